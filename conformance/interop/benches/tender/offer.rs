//! The capacity that everybody tenders against, with more slots than a run uses, and a load that fits it: for the load id
//! `LOAD`, which every program replaces by its own.

use jiff::{SignedDuration, Timestamp};

use crate::{Outcome, Task, bare};

/// Publishes the offer and writes the load to the file that all programs read.
pub(crate) async fn publish(task: &Task) -> Outcome<String> {
    let http = bare::http(std::path::Path::new(task.get("folder")?))?;
    let control = task.get("control")?;
    let now = Timestamp::from_second(Timestamp::now().as_second())?;
    let end = now.checked_add(SignedDuration::from_hours(240))?;
    let offer = format!(
        r#"{{"capacityId":"bench","vehicleType":"tractor-std","autonomyLevel":"L4","availableWindow":{{"start":"{now}","end":"{end}"}},"route":[{{"from":{{"lat":32.7767,"lon":-96.797}},"to":{{"lat":29.7604,"lon":-95.3698}}}}],"constraints":{{"maxWeightLbs":80000,"hazmat":false}},"rate":{{"currency":"USD","amount":795.25}},"quantity":1000000}}"#
    );
    http.post(format!("{control}/capacity")).body(offer).send().await?.error_for_status()?;
    let load = http.get(format!("{control}/load?loadId=LOAD&capacityId=bench")).send().await?.error_for_status()?;
    std::fs::write(task.get("load")?, load.text().await?)?;
    Ok("{}".to_owned())
}
