//! The options that choose a device and its precision.

use clap::{Args, ValueEnum};

use crate::project::{DeviceChoice, Precision};

/// Device and precision. Anything not given comes from the project.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct ComputeArguments {
    /// Device to train on: auto, cpu, cuda or metal
    #[arg(long, hide_possible_values = true, ignore_case = true)]
    pub device: Option<DeviceName>,
    /// Precision of matrix products: auto, f32 or bf16
    #[arg(long, hide_possible_values = true, ignore_case = true)]
    pub precision: Option<PrecisionName>,
}

/// A device on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DeviceName {
    /// The CPU
    Auto,
    /// The CPU
    Cpu,
    /// The first NVIDIA GPU (builds with the feature cuda)
    Cuda,
    /// The Apple GPU (builds with the feature metal)
    Metal,
}

/// A precision on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PrecisionName {
    /// bf16 if the CPU is faster with it, else f32
    Auto,
    /// 32-bit floats
    F32,
    /// Inputs rounded to bf16, sums in 32-bit floats
    Bf16,
}

impl From<DeviceName> for DeviceChoice {
    fn from(name: DeviceName) -> Self {
        match name {
            DeviceName::Auto => Self::Auto,
            DeviceName::Cpu => Self::Cpu,
            DeviceName::Cuda => Self::Cuda,
            DeviceName::Metal => Self::Metal,
        }
    }
}

impl From<PrecisionName> for Precision {
    fn from(name: PrecisionName) -> Self {
        match name {
            PrecisionName::Auto => Self::Auto,
            PrecisionName::F32 => Self::F32,
            PrecisionName::Bf16 => Self::Bf16,
        }
    }
}
