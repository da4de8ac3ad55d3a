use super::*;

const NOW: i64 = 1_767_225_600_000;

fn reading(host: &str, ms: i64, percent: f64) -> RecordCpuUsage {
    RecordCpuUsage {
        host: host.parse().unwrap(),
        at: Timestamp::from_ms(ms),
        cpu_percent: percent.try_into().unwrap(),
    }
}

fn recorded(reading: RecordCpuUsage) -> Verdict {
    let RecordCpuUsage { host, at, cpu_percent } = reading;
    Verdict::Recorded(CpuUsageRecorded { host, at, cpu_percent })
}

#[test]
fn a_reading_is_known_by_its_host_and_instant() {
    let mut batch = Batch::at(Timestamp::from_ms(NOW));
    let mut judge = |place, reading: &RecordCpuUsage| batch.judge(place, reading.clone());
    let first = reading("web-1", NOW, 50.0);
    assert_eq!(judge(0, &first), recorded(first.clone()));
    let another = reading("web-2", NOW, 50.0);
    assert_eq!(judge(1, &another), recorded(another.clone()));
    let later = reading("web-1", NOW + 1, 50.0);
    assert_eq!(judge(2, &later), recorded(later.clone()));
    assert_eq!(judge(3, &first), Verdict::SameAs(0));
    let contradicted = Verdict::Refused(Refusal::ReadingContradicted);
    assert_eq!(judge(4, &reading("web-1", NOW, 51.0)), contradicted);
    // Who was refused has not told anything.
    assert_eq!(judge(5, &reading("web-1", NOW, 51.0)), contradicted);
    assert_eq!(judge(6, &first), Verdict::SameAs(0));
}

#[test]
fn the_past_is_recorded_and_the_future_is_not() {
    let mut batch = Batch::at(Timestamp::from_ms(NOW));
    for ms in [0, NOW - 1, NOW + AHEAD_MS] {
        let reading = reading("web-1", ms, 1.0);
        assert_eq!(batch.judge(0, reading.clone()), recorded(reading));
    }
    let late = batch.judge(1, reading("web-1", NOW + AHEAD_MS + 1, 1.0));
    assert_eq!(late, Verdict::Refused(Refusal::ReadingInFuture));
}

#[test]
fn a_load_is_held_against_the_processors() {
    let hundredths = |text, processors| busy(text, processors).map(Percent::hundredths);
    assert_eq!(hundredths("0.50 0.40 0.30 1/234 5678\n", 2), Some(2_500));
    assert_eq!(hundredths("0.00 0.00 0.00 1/2 3", 1), Some(0));
    assert_eq!(hundredths("17.25 9.00 8.00 20/234 5678", 2), Some(10_000));
    assert_eq!(hundredths("0.25", 0), Some(2_500));
    for nonsense in ["", "\n", "load", "-1 0 0", "NaN 0 0"] {
        assert_eq!(hundredths(nonsense, 2), None, "{nonsense:?}");
    }
}
