//! Tiles by AMX, the matrix unit of Intel's server processors: one instruction multiplies blocks of 16 x 32 and 32 x 16
//! numbers (Intel, "Architecture Instruction Set Extensions Programming Reference", chapter 3).
//!
//! Its sums are added up in another order than those of `vdpbf16ps`: the two numbers of a pair each go to a sum of their
//! own over 32 numbers, and the two are then added. Numbers below 1.2e-38 count as 0.

use std::arch::asm;
use std::arch::x86_64::__cpuid_count;
use std::sync::OnceLock;

use crate::ops::kernels::bf16::pack::PAIRS_OF_LINE;
use crate::ops::kernels::bf16::{COLUMNS, Sums};

/// Rows of a tile: two registers of AMX. With 32 columns four of the eight registers hold sums.
pub(super) const ROWS: usize = 32;

/// Whether the processor has it and the system lets this process use it.
pub(in crate::ops::kernels) fn has_amx() -> bool {
    static HAS: OnceLock<bool> = OnceLock::new();
    *HAS.get_or_init(|| {
        let (bf16, tiles) = (1 << 22, 1 << 24);
        __cpuid_count(0, 0).eax >= 7 && __cpuid_count(7, 0).edx & (bf16 | tiles) == bf16 | tiles && ask_for_permission()
    })
}

/// Linux gives the registers, 8 KiB a thread, only to a process that asks.
#[cfg(target_os = "linux")]
fn ask_for_permission() -> bool {
    const ARCH_REQ_XCOMP_PERM: libc::c_int = 0x1023;
    const XFEATURE_XTILEDATA: libc::c_ulong = 18;
    // SAFETY: the call takes two numbers and touches no memory; systems that do not know it answer with an error.
    unsafe { libc::syscall(libc::SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0 }
}

/// Other systems have their own ways, not tried.
#[cfg(not(target_os = "linux"))]
fn ask_for_permission() -> bool {
    false
}

/// `LDTILECFG`'s operand: palette 1, every register of 16 rows of 64 bytes.
#[repr(C, align(64))]
struct Config {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    bytes_of_row: [u16; 16],
    rows: [u8; 16],
}

static WHOLE_REGISTERS: Config = Config {
    palette: 1,
    start_row: 0,
    reserved: [0; 14],
    bytes_of_row: [64, 64, 64, 64, 64, 64, 64, 64, 0, 0, 0, 0, 0, 0, 0, 0],
    rows: [16, 16, 16, 16, 16, 16, 16, 16, 0, 0, 0, 0, 0, 0, 0, 0],
};

/// The registers of this thread, set up until dropped.
pub(super) struct Registers(());

impl Registers {
    /// # Safety
    /// The processor has AMX and the system gives it to this process, as [`has_amx`] makes sure.
    pub(super) unsafe fn set_up() -> Self {
        // SAFETY: reads 64 bytes; the configuration is one that the instruction takes.
        unsafe {
            asm!("ldtilecfg [{}]", in(reg) &raw const WHOLE_REGISTERS, options(nostack, preserves_flags, readonly));
        }
        Self(())
    }

    /// `out = from + a b` of a panel block `[lines][ROWS][16]` and one `[16 lines][COLUMNS]`.
    ///
    /// # Safety
    /// `ROWS` rows of `COLUMNS` numbers can be read at `from`, and be written at `out`, where nobody else does.
    #[expect(clippy::unused_self, reason = "whoever has it has set the registers up")]
    pub(super) unsafe fn run(&self, a: &[u32], b: &[u32], from: Option<Sums>, out: Sums) {
        debug_assert!(a.len().is_multiple_of(ROWS * PAIRS_OF_LINE) && a.len() / ROWS == b.len() / COLUMNS);
        let lines = a.len() / (ROWS * PAIRS_OF_LINE);
        let start = from.unwrap_or(out);
        for row in 0..ROWS {
            for column in [0, COLUMNS / 2] {
                // SAFETY: asks for memory that is written below; nothing is read.
                unsafe { asm!("prefetchw [{}]", in(reg) out.at(row, column), options(nostack, preserves_flags)) }
            }
        }
        // SAFETY: the loop reads `lines` blocks of both operands, which is what there is of them, and the tile at `out`
        // is the caller's. Nothing in Rust keeps anything in the registers.
        unsafe {
            asm!(
                "tilezero tmm0",
                "tilezero tmm1",
                "tilezero tmm2",
                "tilezero tmm3",
                "test {add:e}, {add:e}",
                "jz 2f",
                "tileloadd tmm0, [{start} + {of_start}]",
                "tileloadd tmm1, [{start} + {of_start} + 64]",
                "tileloadd tmm2, [{start_below} + {of_start}]",
                "tileloadd tmm3, [{start_below} + {of_start} + 64]",
                "2:",
                "test {lines}, {lines}",
                "jz 4f",
                "3:",
                "tileloadd tmm4, [{a} + {of_a}]",
                "tileloadd tmm6, [{b} + {of_b}]",
                "tdpbf16ps tmm0, tmm4, tmm6",
                "tileloadd tmm7, [{b} + {of_b} + 64]",
                "tdpbf16ps tmm1, tmm4, tmm7",
                "tileloadd tmm5, [{a} + {of_a} + 1024]",
                "tdpbf16ps tmm2, tmm5, tmm6",
                "tdpbf16ps tmm3, tmm5, tmm7",
                "add {a}, 2048",
                "add {b}, 2048",
                "dec {lines}",
                "jnz 3b",
                "4:",
                "tilestored [{out} + {of_out}], tmm0",
                "tilestored [{out} + {of_out} + 64], tmm1",
                "tilestored [{below} + {of_out}], tmm2",
                "tilestored [{below} + {of_out} + 64], tmm3",
                add = in(reg) u32::from(from.is_some()),
                lines = inout(reg) lines => _,
                a = inout(reg) a.as_ptr() => _,
                b = inout(reg) b.as_ptr() => _,
                of_a = in(reg) 64_usize,
                of_b = in(reg) 128_usize,
                start = in(reg) start.first,
                start_below = in(reg) start.at(ROWS / 2, 0),
                of_start = in(reg) start.stride * size_of::<f32>(),
                out = in(reg) out.first,
                below = in(reg) out.at(ROWS / 2, 0),
                of_out = in(reg) out.stride * size_of::<f32>(),
                out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                options(nostack),
            );
        }
    }
}

impl Drop for Registers {
    fn drop(&mut self) {
        // SAFETY: whoever holds this has AMX. Registers in use would make every switch of threads copy them.
        unsafe { asm!("tilerelease", options(nomem, nostack, preserves_flags)) }
    }
}
