//! What happens to the gateway, the network and the collector between two checkpoints; the seed decides.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::super::dice::Dice;
use super::collector::Collector;
use super::gateway::{Gateway, Plan};
use super::proxy::{Proxy, Weather};
use crate::shell::Result;

/// Reasons for which a collector refuses a frame.
const REASONS: [&str; 6] =
    ["checksum_mismatch", "malformed", "too_large", "out_of_order", "context_unknown", "over_credit"];

/// One gateway, one network, one collector.
pub(super) struct Stage {
    pub(super) collector: Collector,
    proxy: Proxy,
    plan: Plan,
    gateway: Option<Gateway>,
    /// The collector forgot what it had acknowledged, once.
    pub(super) forgot: bool,
    /// The store is gone and nobody has noticed.
    unnoticed: bool,
    round: Vec<String>,
    counts: BTreeMap<&'static str, u64>,
}

impl Stage {
    pub(super) fn new(collector: Collector, proxy: Proxy, plan: Plan) -> Self {
        let (round, counts) = (Vec::new(), BTreeMap::new());
        Self { collector, proxy, plan, gateway: None, forgot: false, unnoticed: false, round, counts }
    }

    /// One thing goes wrong, for a moment.
    pub(super) fn trouble(&mut self, dice: &mut Dice) -> Result<()> {
        self.run()?;
        pause(dice, 1200);
        match dice.below(13) {
            0 | 1 => self.kill_gateway(dice)?,
            2 | 3 => self.kill_collector(dice)?,
            4 => self.weather("partition", Weather::Silent, dice, 4000),
            5 => self.weather("shut network", Weather::Shut, dice, 4000),
            6 => {
                let by = Duration::from_millis(5 + dice.below(60));
                self.weather("slow network", Weather::Slow(by), dice, 2000);
            }
            7 => {
                self.note("cut connection", "");
                self.proxy.cut();
            }
            8 => {
                let what = ["memory", "store", "both"][dice.below(3) as usize];
                self.note("state loss", what);
                self.lost(what)?;
            }
            9 => {
                let reason = REASONS[dice.below(REASONS.len() as u64) as usize];
                self.note("refusals", reason);
                let frames = 1 + dice.below(4);
                self.collector.faults(&json!({"nack": {"reason": reason, "frames": frames}}))?;
            }
            10 => {
                self.note("damaged frames", "");
                self.collector.faults(&json!({"corrupt": 1 + dice.below(4)}))?;
            }
            11 => {
                self.note("slow acknowledgements", "");
                self.collector.faults(&json!({"ackDelayMs": dice.below(1500), "starve": ["routine"]}))?;
                pause(dice, 2500);
                self.collector.faults(&json!({"ackDelayMs": 0, "starve": []}))?;
            }
            _ => {
                self.note("sent away", "");
                self.collector.send_away()?;
            }
        }
        let running = self.gateway.as_mut().is_none_or(Gateway::runs);
        if running { Ok(()) } else { Err("the gateway ended by itself".to_owned()) }
    }

    /// Starts what does not run.
    fn run(&mut self) -> Result<()> {
        self.collector.revive()?;
        if let Some(gateway) = &mut self.gateway {
            if gateway.runs() {
                return Ok(());
            }
            self.gateway = None;
        }
        self.gateway = Some(self.plan.start()?);
        Ok(())
    }

    fn kill_gateway(&mut self, dice: &mut Dice) -> Result<()> {
        self.note("kill of the gateway", "");
        if let Some(gateway) = self.gateway.take() {
            gateway.kill();
        }
        if dice.below(2) == 0 {
            self.damage(dice)?;
        }
        self.run()
    }

    fn kill_collector(&mut self, dice: &mut Dice) -> Result<()> {
        self.note("kill of the collector", "");
        self.collector.kill();
        // The next life finds what is there.
        self.forgot |= std::mem::take(&mut self.unnoticed);
        pause(dice, 1500);
        self.collector.revive()
    }

    fn lost(&mut self, what: &str) -> Result<()> {
        match what {
            "store" => self.unnoticed = true,
            "both" => self.forgot = true,
            // A crash after the store was lost.
            _ => self.forgot |= std::mem::take(&mut self.unnoticed),
        }
        self.collector.lose(what)
    }

    fn weather(&mut self, name: &'static str, weather: Weather, dice: &mut Dice, most_ms: u64) {
        self.note(name, "");
        self.proxy.set(weather);
        pause(dice, most_ms);
        self.proxy.set(Weather::Fair);
    }

    /// Damages the spool of a gateway that is down.
    pub(super) fn damage(&mut self, dice: &mut Dice) -> Result<()> {
        let how = self.plan.damage(dice)?;
        self.note("damage to the spool", &how);
        Ok(())
    }

    /// Everything heals, the gateway closes. Gives its last words.
    pub(super) fn rest(&mut self) -> Result<Value> {
        self.run()?;
        self.proxy.set(Weather::Fair);
        self.collector.faults(&json!({"ackDelayMs": 0, "starve": [], "refuse": false, "corrupt": 0}))?;
        let mut gateway = self.gateway.take().ok_or("no gateway runs")?;
        gateway.connected()?;
        gateway.close()
    }

    fn note(&mut self, name: &'static str, detail: &str) {
        *self.counts.entry(name).or_default() += 1;
        self.round.push(if detail.is_empty() { name.to_owned() } else { format!("{name} ({detail})") });
    }

    /// What happened in the round that ends here.
    pub(super) fn took(&mut self) -> String {
        std::mem::take(&mut self.round).join(", ")
    }

    /// How often everything happened.
    pub(super) fn summary(&self) -> String {
        self.counts.iter().map(|(name, count)| format!("{count} × {name}")).collect::<Vec<_>>().join(", ")
    }
}

fn pause(dice: &mut Dice, most_ms: u64) {
    std::thread::sleep(Duration::from_millis(dice.below(most_ms)));
}
