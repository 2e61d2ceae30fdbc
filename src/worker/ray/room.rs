//! How many trials a cluster has room for, and what each asks for.

use crate::fetch::RayNode;
use crate::project::DeviceChoice;

/// What each trial asks of its node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Share {
    /// CPUs, which is also the number of its threads.
    pub cpus: u32,
    /// GPUs.
    pub gpus: u32,
}

impl Share {
    /// The CPUs of the smallest node that trials of this device can run on, so that each node trains one; or, for `parallel` trials
    /// at a time, as many as leave room for all of them. `None` if no node suits.
    pub fn of(nodes: &[RayNode], device: DeviceChoice, parallel: Option<u32>) -> Option<Self> {
        let gpus = u32::from(device == DeviceChoice::Cuda);
        let suited: Vec<RayNode> = nodes.iter().filter(|node| node.cpus > 0 && node.gpus >= gpus).cloned().collect();
        let most = suited.iter().map(|node| node.cpus).min()?;
        let share = |cpus| Self { cpus, gpus };
        let Some(parallel) = parallel else { return Some(share(most)) };
        let largest = suited.iter().map(|node| node.cpus).max().unwrap_or(most);
        let fits = |cpus: &u32| share(*cpus).room_in(&suited) >= parallel;
        Some(share((1..=largest).rev().find(fits).unwrap_or(1)))
    }

    /// How many trials the nodes have room for.
    pub fn room_in(self, nodes: &[RayNode]) -> u32 {
        let in_node = |node: &RayNode| {
            let by_gpus = node.gpus.checked_div(self.gpus).unwrap_or(u32::MAX);
            (node.cpus / self.cpus.max(1)).min(by_gpus)
        };
        nodes.iter().map(in_node).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes(of: &[(u32, u32)]) -> Vec<RayNode> {
        of.iter().map(|&(cpus, gpus)| RayNode { id: String::new(), cpus, gpus }).collect()
    }

    fn share(of: &[(u32, u32)], device: DeviceChoice, parallel: Option<u32>) -> Option<(u32, u32, u32)> {
        let nodes = nodes(of);
        Share::of(&nodes, device, parallel).map(|share| (share.cpus, share.gpus, share.room_in(&nodes)))
    }

    #[test]
    fn each_node_trains_one_trial_unless_more_are_asked_for() {
        let cpu = |of, parallel| share(of, DeviceChoice::Auto, parallel);
        assert_eq!(cpu(&[(1, 0), (1, 0)], None), Some((1, 0, 2)));
        assert_eq!(cpu(&[(8, 0), (8, 1), (8, 0)], None), Some((8, 0, 3)));
        assert_eq!(cpu(&[(4, 0), (16, 0)], None), Some((4, 0, 5)), "with the CPUs of the smallest");
        assert_eq!(cpu(&[(8, 0), (8, 0)], Some(4)), Some((4, 0, 4)));
        assert_eq!(cpu(&[(8, 0)], Some(1)), Some((8, 0, 1)));
        assert_eq!(cpu(&[(2, 0)], Some(9)), Some((1, 0, 2)), "there is no more room");
        assert_eq!(cpu(&[], None), None);
    }

    #[test]
    fn trials_on_a_gpu_ask_for_nodes_that_have_one() {
        let gpu = |of, parallel| share(of, DeviceChoice::Cuda, parallel);
        assert_eq!(gpu(&[(4, 0), (16, 2)], None), Some((16, 1, 1)));
        assert_eq!(gpu(&[(4, 0), (16, 2)], Some(2)), Some((8, 1, 2)));
        assert_eq!(gpu(&[(4, 0)], None), None);
    }
}
