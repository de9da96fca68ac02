//! Instances as QEMU's machines: carries out what the local AWS does to them, and reports what they come to.

mod commands;
mod guest_agent;
mod json_lines;
mod machine;
mod metadata;
mod qmp;
mod reports;
mod volumes;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use durin_harness::LocalAws;
use durin_harness::world::machines::{Order, Report};

use crate::print::complain;
pub(crate) use guest_agent::Ran;
pub(crate) use machine::Machine;
pub use metadata::relay;
pub(crate) use metadata::{Way, Ways};
pub(crate) use volumes::file as volume_file;

/// How long a machine may take to boot until its agent answers. Others may be at work on the same cores.
const BOOT: Duration = Duration::from_secs(300);

/// All machines, by instance. Clones are the same host.
#[derive(Clone)]
pub(crate) struct Host(Arc<Inner>);

struct Inner {
    aws: LocalAws,
    image: PathBuf,
    directory: PathBuf,
    machines: Mutex<BTreeMap<String, Arc<Machine>>>,
    ways: Ways,
}

impl Host {
    /// Machines that boot from the image, with their files in a directory that goes with them.
    pub(crate) fn new(aws: LocalAws, image: &Path, directory: &Path) -> Host {
        let (image, directory) = (image.to_owned(), directory.to_owned());
        Host(Arc::new(Inner { aws, image, directory, machines: Mutex::default(), ways: Ways::default() }))
    }

    /// Carries out orders as they come. Ends with the runtime.
    pub(crate) async fn run(self) {
        loop {
            let orders = self.0.aws.orders().await;
            if orders.is_empty() {
                return;
            }
            for order in orders {
                self.carry_out(order);
            }
        }
    }

    /// Cuts the power of all.
    pub(crate) fn stop(&self) {
        let machines = std::mem::take(&mut *self.machines());
        machines.values().for_each(|machine| machine.cut_power());
    }

    /// How machines are from now on.
    pub(crate) fn ways(&self) -> &Ways {
        &self.0.ways
    }

    /// The instance's machine, if it has power.
    pub(crate) fn machine(&self, instance: &str) -> Option<Arc<Machine>> {
        self.machines().get(instance).cloned()
    }

    fn machines(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Arc<Machine>>> {
        self.0.machines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn report(&self, machine: &Machine, report: Report) {
        // What has no power says nothing, whatever is still on its way.
        if machine.has_power() {
            self.0.aws.world(|world| world.on_report(&machine.instance, report));
        }
    }

    fn carry_out(&self, order: Order) {
        match order {
            Order::PowerOn { instance } => self.power_on(&instance),
            Order::CutPower { instance } => {
                if let Some(machine) = self.machines().remove(&instance) {
                    machine.cut_power();
                }
            }
            Order::PressPowerButton { instance } => {
                self.with(&instance, "shut down", |_, machine| machine.press_power_button());
            }
            Order::Reboot { instance } => self.with(&instance, "reboot", |host, machine| host.reboot(machine)),
            Order::Plug { instance, volume } => {
                self.with(&instance, "plug", move |_, machine| machine.plug(&volume));
            }
            Order::Unplug { instance, volume, by_force } => {
                self.with(&instance, "unplug", move |host, machine| {
                    let report = machine.unplug(&volume, by_force)?;
                    host.report(machine, report);
                    Ok(())
                });
            }
            Order::Run { instance, command, script } => {
                self.with(&instance, "run", move |host, machine| host.run_command(machine, &command, &script));
            }
            Order::Kill { instance, command } => {
                self.with(&instance, "kill", move |_, machine| machine.kill_command(&command));
            }
        }
    }

    /// On a thread of its own: machines are slow.
    fn with(
        &self,
        instance: &str,
        what: &'static str,
        act: impl FnOnce(&Host, &Machine) -> Result<(), String> + Send + 'static,
    ) {
        let Some(machine) = self.machine(instance) else { return };
        let host = self.clone();
        thread::spawn(move || {
            let done = act(&host, &machine);
            match done {
                Err(why) if machine.has_power() => {
                    complain(format_args!("{}: {what}: {why}", machine.instance));
                }
                Ok(()) | Err(_) => {}
            }
        });
    }

    fn power_on(&self, instance: &str) {
        let Inner { aws, image, directory, ways, .. } = &*self.0;
        let address = aws.world(|world| world.ec2.instance(instance).map(|it| it.private_ip.clone()));
        let started = metadata::serve(aws.clone(), ways.clone(), instance, directory).and_then(|metadata| {
            let words = format!("rehearsal.address={} {}", address.unwrap_or_default(), ways.get().kernel_line);
            Machine::start(instance, &words, image, directory, &metadata)
        });
        match started {
            Ok(machine) => {
                let machine = Arc::new(machine);
                self.machines().insert(instance.to_owned(), Arc::clone(&machine));
                let host = self.clone();
                thread::spawn(move || host.listen(&machine));
            }
            Err(why) => complain(format_args!("{instance}: no machine can be started: {why}")),
        }
    }

    fn reboot(&self, machine: &Machine) -> Result<(), String> {
        let before = machine.boots();
        machine.reboot()?;
        let end = Instant::now() + BOOT;
        while machine.boots() == before {
            if Instant::now() > end || !machine.has_power() {
                return Err("it does not come up again".to_owned());
            }
            thread::sleep(Duration::from_millis(200));
        }
        Ok(())
    }
}
