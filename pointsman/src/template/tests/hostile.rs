//! Texts made to break the reader: none may panic, run away or unfold without end.

use super::*;

const SEEDS: [&str; 4] = [
    include_str!("../testdata/quirks.yaml"),
    include_str!("../testdata/globals.yaml"),
    include_str!("../testdata/document.json"),
    include_str!("../../../../infra/template.yaml"),
];

/// A small generator (xorshift); the seed is printed by the test that fails.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound.max(1) as u64) as usize
    }
}

fn mutated(text: &str, random: &mut Random) -> String {
    const PIECES: [&str; 20] = [
        "!Ref ",
        "!Sub \"${",
        "Fn::If: ",
        "&a ",
        "*a",
        "<<: *a",
        "[",
        "]",
        "{",
        "}",
        ":",
        "- ",
        "\n",
        "\r\n",
        "\"",
        "'",
        "null",
        "-1",
        "\u{0}",
        "é",
    ];
    let mut characters: Vec<char> = text.chars().collect();
    for _ in 0..=random.below(6) {
        let at = random.below(characters.len());
        match random.below(4) {
            0 => {
                let end = (at + random.below(40)).min(characters.len());
                characters.drain(at..end);
            }
            1 => {
                let piece = PIECES[random.below(PIECES.len())];
                characters.splice(at..at, piece.chars());
            }
            2 => {
                let from = random.below(characters.len());
                let end = (from + random.below(80)).min(characters.len());
                let copy = characters[from..end].to_vec();
                characters.splice(at..at, copy);
            }
            _ => {
                if let (Some(one), Some(other)) =
                    (characters.get(at).copied(), characters.get(at / 2).copied())
                {
                    characters[at] = other;
                    characters[at / 2] = one;
                }
            }
        }
    }
    characters.into_iter().collect()
}

#[test]
fn no_text_makes_the_reader_panic() {
    for seed in 1..=1_500_u64 {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let text = mutated(SEEDS[random.below(SEEDS.len())], &mut random);
        let result = std::panic::catch_unwind(|| load_str("t.yaml", &text, &Options::default()));
        let Ok(result) = result else { panic!("seed {seed} panics on:\n{text}") };
        if let Err(error) = result {
            assert!(error.place.line >= 1 && error.place.column >= 1, "seed {seed}: {error}");
            assert!(!error.message.contains('\n'), "seed {seed}: {error}");
        }
    }
}

#[test]
fn nesting_is_bounded() {
    let deep = format!("Resources: {}{}", "[".repeat(50_000), "]".repeat(50_000));
    assert!(load_str("t.yaml", &deep, &Options::default()).is_err());
    let block: String = (0..200).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    let error = load_str("t.yaml", &block, &Options::default()).unwrap_err();
    assert_eq!(error.message, "is nested deeper than 96 levels");
}

#[test]
fn aliases_cannot_unfold_without_end() {
    let mut text = "Metadata:\n  a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..20 {
        let before = format!("*a{}", level - 1);
        text += &format!("  a{level}: &a{level} [{}]\n", vec![before; 10].join(", "));
    }
    text += "Resources: {}\n";
    let error = load_str("t.yaml", &text, &Options::default()).unwrap_err();
    assert_eq!(error.message, "unfolds to more than 400000 values");
    let error = load_str("t.yaml", "Resources: &a [*a]\n", &Options::default()).unwrap_err();
    assert_eq!(error.to_string(), "t.yaml:1:16: this alias stands inside what it names");
}

#[test]
fn names_that_double_with_every_reference_are_bounded() {
    let mut text =
        "Resources:\n  A0: {Type: AWS::SNS::Topic, Properties: {TopicName: xxxxxxxxxxxxxxxx}}\n"
            .to_owned();
    for level in 1..60 {
        let before = level - 1;
        text += &format!(
            "  A{level}: {{Type: AWS::SNS::Topic, Properties: {{TopicName: !Sub '${{A{before}.TopicName}}${{A{before}.TopicName}}'}}}}\n"
        );
    }
    let error = load_str("t.yaml", &text, &Options::default()).unwrap_err();
    assert_eq!(error.message, "resolves to more than 64 MB of text");
}

#[test]
fn a_long_chain_of_references_does_not_exhaust_the_stack() {
    let mut text =
        "Resources:\n  A0: {Type: AWS::SQS::Queue, Properties: {QueueName: x}}\n".to_owned();
    for level in 1..500 {
        text += &format!(
            "  A{level}: {{Type: AWS::SQS::Queue, Properties: {{QueueName: !GetAtt A{}.QueueName}}}}\n",
            level - 1
        );
    }
    assert_eq!(good(&text).resources.len(), 500);
}
