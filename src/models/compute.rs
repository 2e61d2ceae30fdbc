//! The device that computes, and its precision.

use std::fmt;
use std::sync::OnceLock;

use candle_core::Device;

use crate::models::ModelError;
use crate::ops::{Backend, MatrixPrecision};
use crate::project::{DeviceChoice, Precision};

/// A device and its precision. Displayed as in the status bar, for example "CPU, bf16".
#[derive(Clone, Debug)]
pub struct Compute {
    device: Device,
    precision: MatrixPrecision,
}

impl Default for Compute {
    /// The CPU with f32.
    fn default() -> Self {
        Self { device: Device::Cpu, precision: MatrixPrecision::F32 }
    }
}

impl Compute {
    /// The device and precision that the settings ask for.
    ///
    /// # Errors
    /// [`ModelError::NoDevice`] if this build or this machine does not have the device, [`ModelError::NoPrecision`] if
    /// the device does not support the precision.
    pub fn choose(device: DeviceChoice, precision: Precision) -> Result<Self, ModelError> {
        let opened = open(device).map_err(|reason| ModelError::NoDevice { device, reason })?;
        let precision = match (precision, opened.is_cpu()) {
            (Precision::F32, _) | (Precision::Auto, false) => MatrixPrecision::F32,
            (Precision::Auto, true) => MatrixPrecision::fastest(),
            (Precision::Bf16, true) => MatrixPrecision::Bf16,
            (Precision::Bf16, false) => return Err(ModelError::NoPrecision),
        };
        Ok(Self { device: opened, precision })
    }

    /// The CPU, with the precision that a model was trained in.
    #[must_use]
    pub fn for_prediction(trained_in: Precision) -> Self {
        Self::choose(DeviceChoice::Cpu, trained_in).unwrap_or_default()
    }

    /// The devices a person can choose: [`DeviceChoice::Auto`], the CPU, and the GPUs that this build supports and this
    /// machine has. Looked up once.
    #[must_use]
    pub fn devices() -> &'static [DeviceChoice] {
        static DEVICES: OnceLock<Vec<DeviceChoice>> = OnceLock::new();
        DEVICES.get_or_init(|| {
            let found = [DeviceChoice::Cuda, DeviceChoice::Metal].into_iter().filter(|&device| open(device).is_ok());
            [DeviceChoice::Auto, DeviceChoice::Cpu].into_iter().chain(found).collect()
        })
    }

    /// The display name of what [`Self::choose`] would choose; if it would fail, the device and why.
    #[must_use]
    pub fn name(device: DeviceChoice, precision: Precision) -> String {
        match Self::choose(device, precision) {
            Ok(compute) => compute.to_string(),
            Err(ModelError::NoPrecision) => format!("{device} (no bf16)"),
            Err(_) => format!("{device} (not available)"),
        }
    }

    /// Whether matrix products are faster in bf16 than in f32 on this CPU.
    #[must_use]
    pub fn bf16_is_fast() -> bool {
        MatrixPrecision::fastest() == MatrixPrecision::Bf16
    }

    /// The device that holds the weights.
    #[must_use]
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The setting that selects this precision explicitly.
    #[must_use]
    pub fn precision_setting(&self) -> Precision {
        match self.precision {
            MatrixPrecision::F32 => Precision::F32,
            MatrixPrecision::Bf16 => Precision::Bf16,
        }
    }

    /// Whether the operands of matrix products are rounded to bf16.
    #[must_use]
    pub fn multiplies_in_bf16(&self) -> bool {
        self.backend() == Backend::Kernels(MatrixPrecision::Bf16)
    }

    /// Hone's own kernels on the CPU, candle's operations on GPUs.
    #[must_use]
    pub fn backend(&self) -> Backend {
        if self.device.is_cpu() { Backend::Kernels(self.precision) } else { Backend::Composed }
    }

    /// A warning if bf16 was chosen but is slower on this CPU.
    #[must_use]
    pub fn warning(&self) -> Option<&'static str> {
        let is_slow = self.precision == MatrixPrecision::Bf16 && !Self::bf16_is_fast();
        is_slow.then_some(
            "bf16 is slower than f32 on this CPU, and less precise. Set the precision to Auto to use the fastest one.",
        )
    }
}

impl fmt::Display for Compute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let device = match &self.device {
            Device::Cpu => "CPU",
            Device::Cuda(_) => "NVIDIA GPU",
            Device::Metal(_) => "Apple GPU",
        };
        let precision = match self.precision {
            MatrixPrecision::F32 => "f32",
            MatrixPrecision::Bf16 => "bf16",
        };
        write!(f, "{device}, {precision}")
    }
}

fn open(device: DeviceChoice) -> Result<Device, String> {
    // Opening a GPU takes a while and would load its kernels each time.
    static CUDA: OnceLock<Result<Device, String>> = OnceLock::new();
    static METAL: OnceLock<Result<Device, String>> = OnceLock::new();
    let not_built = |feature: &str, machine: &str| {
        format!(
            "this build of Hone supports only the CPU. On a machine with {machine}, build it with \
             `cargo build --release --features {feature}`"
        )
    };
    match device {
        DeviceChoice::Auto | DeviceChoice::Cpu => Ok(Device::Cpu),
        DeviceChoice::Cuda if cfg!(feature = "cuda") => {
            CUDA.get_or_init(|| Device::new_cuda(0).map_err(|error| error.to_string())).clone()
        }
        DeviceChoice::Cuda => Err(not_built("cuda", "an NVIDIA GPU and its CUDA toolkit")),
        DeviceChoice::Metal if cfg!(feature = "metal") => {
            METAL.get_or_init(|| Device::new_metal(0).map_err(|error| error.to_string())).clone()
        }
        DeviceChoice::Metal => Err(not_built("metal", "an Apple GPU")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cpu_is_always_available_in_both_precisions() {
        let text = |precision| Compute::choose(DeviceChoice::Cpu, precision).unwrap().to_string();
        assert_eq!(text(Precision::F32), "CPU, f32");
        assert_eq!(text(Precision::Bf16), "CPU, bf16");
        let auto = text(Precision::Auto);
        let fastest = MatrixPrecision::fastest();
        assert_eq!(auto, Compute::name(DeviceChoice::Auto, Precision::Auto));
        assert_eq!(Compute::for_prediction(Precision::Bf16).precision_setting(), Precision::Bf16);
        assert_eq!(auto, if fastest == MatrixPrecision::Bf16 { "CPU, bf16" } else { "CPU, f32" });
        assert!(Compute::choose(DeviceChoice::Cpu, Precision::Auto).unwrap().warning().is_none());
        for precision in [Precision::Auto, Precision::F32, Precision::Bf16] {
            assert_eq!(Compute::name(DeviceChoice::Cpu, precision), text(precision));
        }
        assert!(Compute::devices().starts_with(&[DeviceChoice::Auto, DeviceChoice::Cpu]));
    }

    #[test]
    #[cfg(not(any(feature = "cuda", feature = "metal")))]
    fn a_device_that_this_build_does_not_support_is_rejected_with_advice() {
        for (device, words) in
            [(DeviceChoice::Cuda, ["NVIDIA", "--features cuda"]), (DeviceChoice::Metal, ["Apple", "--features metal"])]
        {
            let message = Compute::choose(device, Precision::Auto).unwrap_err().to_string();
            assert!(Compute::name(device, Precision::Auto).contains(words[0]));
            assert!(words.iter().all(|word| message.contains(word)) && message.contains("Auto"), "{message}");
        }
    }
}
