//! Compiles the same plain loop for several instruction sets and picks the best one at run time.

use std::sync::OnceLock;

/// Instruction sets a kernel is compiled for, each with all of those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SimdLevel {
    /// What every machine of the target has.
    Baseline,
    /// AVX2 and FMA: 256-bit registers.
    Avx2,
    /// AVX-512 F, BW, DQ and VL: 512-bit registers.
    Avx512,
    /// AVX-512 BF16: products of pairs of 16-bit floats, summed as 32-bit ones.
    Avx512Bf16,
    /// AMX: products of blocks of 16-bit floats, summed as 32-bit ones in registers of 1 KiB.
    Amx,
}

/// The level that kernels run at: the best one of this machine, looked up once.
#[must_use]
pub fn simd_level() -> SimdLevel {
    static LEVEL: OnceLock<SimdLevel> = OnceLock::new();
    #[cfg(test)]
    if let Some(level) = crate::ops::kernels::levels::of_this_thread() {
        return level;
    }
    *LEVEL.get_or_init(SimdLevel::of_processor)
}

impl SimdLevel {
    /// The best level of this machine.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn of_processor() -> Self {
        let middle = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        let wide = middle
            && is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl");
        if wide && is_x86_feature_detected!("avx512bf16") {
            if crate::ops::kernels::bf16::has_amx() { Self::Amx } else { Self::Avx512Bf16 }
        } else if wide {
            Self::Avx512
        } else if middle {
            Self::Avx2
        } else {
            Self::Baseline
        }
    }

    /// The best level of this machine.
    #[cfg(not(target_arch = "x86_64"))]
    pub(super) fn of_processor() -> Self {
        Self::Baseline
    }
}

/// Defines a function whose body is compiled once for each width of registers; a call runs the one of [`simd_level`].
///
/// The loops in the body must be written so that the compiler vectorises them: plain slices, no calls that are not
/// `#[inline(always)]`. No fused multiply-add is introduced, so that every level gives the same bits.
macro_rules! simd_kernel {
    ($(#[$meta:meta])* $visibility:vis fn $name:ident($($argument:ident: $type:ty),* $(,)?) $(-> $result:ty)? $body:block) => {
        $(#[$meta])*
        #[allow(clippy::too_many_arguments, reason = "kernels take plain slices and numbers")]
        $visibility fn $name($($argument: $type),*) $(-> $result)? {
            #[inline(always)]
            #[allow(clippy::inline_always, clippy::too_many_arguments, reason = "must be compiled inside each variant")]
            fn body($($argument: $type),*) $(-> $result)? $body

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
            #[allow(clippy::too_many_arguments, reason = "as the body")]
            fn avx512($($argument: $type),*) $(-> $result)? {
                body($($argument),*)
            }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            #[allow(clippy::too_many_arguments, reason = "as the body")]
            fn avx2($($argument: $type),*) $(-> $result)? {
                body($($argument),*)
            }

            match $crate::ops::kernels::simd_level() {
                // SAFETY: `simd_level` returns this only when the processor has every feature the variant is built with.
                #[cfg(target_arch = "x86_64")]
                level if level >= $crate::ops::kernels::SimdLevel::Avx512 => unsafe { avx512($($argument),*) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                $crate::ops::kernels::SimdLevel::Avx2 => unsafe { avx2($($argument),*) },
                _ => body($($argument),*),
            }
        }
    };
}
pub(crate) use simd_kernel;
