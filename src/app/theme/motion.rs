//! No motion where the system asks for less.

use std::process::Command;

use egui::Context;

/// Asks the system whether it wants less motion, in the background, and turns animations off if so.
pub fn follow_motion_of_system(ctx: &Context) {
    let ctx = ctx.clone();
    let ask = move || {
        if is_less_motion_wanted() {
            ctx.all_styles_mut(|style| style.animation_time = 0.0);
            ctx.request_repaint();
        }
    };
    // Without a thread to ask in, the animations stay.
    let _ = std::thread::Builder::new().name("motion".to_owned()).spawn(ask);
}

/// The command that tells, and the end of its output if less motion is wanted.
const QUESTION: (&str, &[&str], &str) = if cfg!(target_os = "macos") {
    ("defaults", &["read", "com.apple.universalaccess", "reduceMotion"], "1")
} else if cfg!(target_os = "windows") {
    ("reg", &["query", r"HKCU\Control Panel\Desktop\WindowMetrics", "/v", "MinAnimate"], "0")
} else {
    ("gsettings", &["get", "org.gnome.desktop.interface", "enable-animations"], "false")
};

fn is_less_motion_wanted() -> bool {
    let (program, arguments, answer) = QUESTION;
    let mut command = Command::new(program);
    command.args(arguments);
    #[cfg(windows)]
    {
        use std::os::windows::process::CommandExt;
        const CREATE_NO_WINDOW: u32 = 0x0800_0000;
        command.creation_flags(CREATE_NO_WINDOW);
    }
    // A system without the command has no such setting.
    command.output().is_ok_and(|output| String::from_utf8_lossy(&output.stdout).trim().ends_with(answer))
}
