//! The innermost loop of a product: one tile of the result, kept in registers.
//!
//! Every way gives the same bits: a product of two `bf16` is exact in a float, and each pair adds its later product first,
//! as `vdpbf16ps` does. That instruction alone takes numbers below 1.2e-38 for 0.

use crate::ops::kernels::bf16::{COLUMNS, Sums};
use crate::ops::kernels::{SimdLevel, simd_level};

/// Rows of a tile: with 32 columns, two registers of AVX-512, 24 of the 32 registers of AVX-512 hold sums.
pub(super) const ROWS: usize = 12;

/// How a tile is computed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Tile {
    #[cfg(target_arch = "x86_64")]
    Avx512Bf16,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    Portable,
}

impl Tile {
    /// The best way of the machine.
    pub(super) fn of_machine() -> Self {
        match simd_level() {
            #[cfg(target_arch = "x86_64")]
            SimdLevel::Amx | SimdLevel::Avx512Bf16 => Self::Avx512Bf16,
            #[cfg(target_arch = "x86_64")]
            SimdLevel::Avx512 | SimdLevel::Avx2 => Self::Avx2,
            _ => Self::Portable,
        }
    }

    /// `out = from + a b` of a panel block `[pairs][ROWS]` and one `[pairs][COLUMNS]`.
    ///
    /// # Safety
    /// `ROWS` rows of `COLUMNS` numbers can be read at `from`, and be written at `out`, where nobody else does. The
    /// processor has the instructions, as [`Tile::of_machine`] makes sure.
    pub(super) unsafe fn run(self, a: &[u32], b: &[u32], from: Option<Sums>, out: Sums) {
        debug_assert_eq!(a.len() / ROWS, b.len() / COLUMNS);
        match self {
            // SAFETY: chosen only where the processor has these instructions; the rest is the caller's promise.
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Bf16 => unsafe { avx512_bf16(a, b, from, out) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => unsafe { avx2(a, b, from, out) },
            // SAFETY: the caller's promise.
            Self::Portable => unsafe { by_parts(a, b, from, out) },
        }
    }
}

/// # Safety
/// As [`Tile::run`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
unsafe fn avx512_bf16(a: &[u32], b: &[u32], from: Option<Sums>, out: Sums) {
    use std::arch::x86_64::{
        __m512bh, __m512i, _mm512_dpbf16_ps, _mm512_loadu_epi32, _mm512_loadu_ps, _mm512_set1_epi32, _mm512_setzero_ps,
        _mm512_storeu_ps,
    };
    use std::mem::transmute;

    let mut sums = [[_mm512_setzero_ps(); 2]; ROWS];
    if let Some(from) = from {
        for (row, sums) in sums.iter_mut().enumerate() {
            for (half, sum) in sums.iter_mut().enumerate() {
                // SAFETY: within the tile.
                *sum = unsafe { _mm512_loadu_ps(from.at(row, 16 * half)) };
            }
        }
    }
    for (a, b) in a.as_chunks::<ROWS>().0.iter().zip(b.as_chunks::<COLUMNS>().0) {
        // SAFETY: a chunk has 32 numbers; both types are 512 bits of any value.
        let (left, right) = unsafe {
            let of = |first: usize| transmute::<__m512i, __m512bh>(_mm512_loadu_epi32(b.as_ptr().add(first).cast()));
            (a, [of(0), of(16)])
        };
        for (sums, &pair) in sums.iter_mut().zip(left) {
            // SAFETY: as above.
            let pair = unsafe { transmute::<__m512i, __m512bh>(_mm512_set1_epi32(pair.cast_signed())) };
            for (sum, right) in sums.iter_mut().zip(right) {
                *sum = _mm512_dpbf16_ps(*sum, pair, right);
            }
        }
    }
    for (row, sums) in sums.iter().enumerate() {
        for (half, &sum) in sums.iter().enumerate() {
            // SAFETY: within the tile.
            unsafe { _mm512_storeu_ps(out.at(row, 16 * half), sum) };
        }
    }
}

/// # Safety
/// As [`Tile::run`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2(a: &[u32], b: &[u32], from: Option<Sums>, out: Sums) {
    use std::arch::x86_64::{
        _mm256_and_si256, _mm256_castsi256_ps, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_loadu_si256, _mm256_set1_epi32,
        _mm256_setzero_ps, _mm256_slli_epi32, _mm256_storeu_ps,
    };

    let high = _mm256_set1_epi32(0xffff_0000_u32.cast_signed());
    // Two `bf16` as floats: those in the lower halves, those in the upper ones.
    let halves = |pairs| {
        (_mm256_castsi256_ps(_mm256_slli_epi32::<16>(pairs)), _mm256_castsi256_ps(_mm256_and_si256(pairs, high)))
    };
    for row in (0..ROWS).step_by(PART_ROWS) {
        for column in (0..COLUMNS).step_by(PART_COLUMNS) {
            // SAFETY: within the tile.
            let at = |sums: Sums, place: usize, half: usize| unsafe { sums.at(row + place, column + 8 * half) };
            let mut sums = [[_mm256_setzero_ps(); 2]; PART_ROWS];
            if let Some(from) = from {
                for (place, sums) in sums.iter_mut().enumerate() {
                    // SAFETY: within the tile.
                    *sums = unsafe { [_mm256_loadu_ps(at(from, place, 0)), _mm256_loadu_ps(at(from, place, 1))] };
                }
            }
            for (a, b) in a.as_chunks::<ROWS>().0.iter().zip(b.as_chunks::<COLUMNS>().0) {
                let b = b[column..column + PART_COLUMNS].as_ptr();
                // SAFETY: the slice has two registers' numbers.
                let right = unsafe { [_mm256_loadu_si256(b.cast()), _mm256_loadu_si256(b.add(8).cast())] };
                let right = right.map(halves);
                for (sums, &pair) in sums.iter_mut().zip(&a[row..row + PART_ROWS]) {
                    let left = halves(_mm256_set1_epi32(pair.cast_signed()));
                    for (sum, right) in sums.iter_mut().zip(right) {
                        *sum = _mm256_fmadd_ps(left.0, right.0, _mm256_fmadd_ps(left.1, right.1, *sum));
                    }
                }
            }
            for (place, sums) in sums.iter().enumerate() {
                // SAFETY: within the tile.
                unsafe { _mm256_storeu_ps(at(out, place, 0), sums[0]) };
                // SAFETY: within the tile.
                unsafe { _mm256_storeu_ps(at(out, place, 1), sums[1]) };
            }
        }
    }
}

/// Rows of the part of a tile that fits the registers of any machine.
const PART_ROWS: usize = 4;
/// Its columns.
const PART_COLUMNS: usize = 16;

/// # Safety
/// As [`Tile::run`].
#[inline(always)]
#[allow(clippy::inline_always, reason = "must be compiled inside each variant")]
unsafe fn by_parts(a: &[u32], b: &[u32], from: Option<Sums>, out: Sums) {
    for row in (0..ROWS).step_by(PART_ROWS) {
        for column in (0..COLUMNS).step_by(PART_COLUMNS) {
            let mut sums = [[0.0_f32; PART_COLUMNS]; PART_ROWS];
            // SAFETY: within the tile.
            let at = |sums: Sums, place: usize| unsafe { sums.at(row + place, column).cast::<[f32; PART_COLUMNS]>() };
            if let Some(from) = from {
                // SAFETY: within the tile; a float's alignment is an array's.
                sums.iter_mut().enumerate().for_each(|(place, sums)| *sums = unsafe { at(from, place).read() });
            }
            for (a, b) in a.as_chunks::<ROWS>().0.iter().zip(b.as_chunks::<COLUMNS>().0) {
                add_pair(&mut sums, &a[row..row + PART_ROWS], &b[column..column + PART_COLUMNS]);
            }
            // SAFETY: as above.
            sums.iter().enumerate().for_each(|(place, sums)| unsafe { at(out, place).write(*sums) });
        }
    }
}

#[inline(always)]
#[allow(clippy::inline_always, reason = "must be compiled inside each variant")]
fn add_pair(sums: &mut [[f32; PART_COLUMNS]; PART_ROWS], a: &[u32], b: &[u32]) {
    for (sums, &left) in sums.iter_mut().zip(a) {
        let (left_low, left_high) = halves(left);
        for (sum, &right) in sums.iter_mut().zip(b) {
            let (low, high) = halves(right);
            *sum += left_high * high;
            *sum += left_low * low;
        }
    }
}

/// Two `bf16` as floats.
#[inline(always)]
#[allow(clippy::inline_always, reason = "must be compiled inside each variant")]
fn halves(pair: u32) -> (f32, f32) {
    (f32::from_bits(pair << 16), f32::from_bits(pair & 0xffff_0000))
}
