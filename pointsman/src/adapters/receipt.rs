//! Receipt handles: what a receiver of a message gives back to delete it, or to change its visibility.

use crate::services::queue::Receipt;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The first byte of every handle, so that another form can follow one day.
const VERSION: u8 = 1;

/// The handle as SQS and Lambda show it: opaque text.
pub(crate) fn encode_receipt(receipt: Receipt) -> String {
    let mut bytes = [VERSION; 17];
    bytes[1..9].copy_from_slice(&receipt.seq.to_be_bytes());
    bytes[9..].copy_from_slice(&receipt.receipt.to_be_bytes());
    STANDARD.encode(bytes)
}

/// What a handle stands for; `None` if it is none of ours (`ReceiptHandleIsInvalid`).
pub(crate) fn decode_receipt(handle: &str) -> Option<Receipt> {
    let bytes: [u8; 17] = STANDARD.decode(handle).ok()?.try_into().ok()?;
    let (seq, receipt) = bytes[1..].split_at(8);
    (bytes[0] == VERSION).then(|| Receipt {
        seq: u64::from_be_bytes(seq.try_into().unwrap_or_default()),
        receipt: u64::from_be_bytes(receipt.try_into().unwrap_or_default()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_reads_back() {
        for receipt in [
            Receipt { seq: 0, receipt: 0 },
            Receipt { seq: 7, receipt: u64::MAX },
            Receipt { seq: u64::MAX, receipt: 0x0102_0304_0506_0708 },
        ] {
            assert_eq!(decode_receipt(&encode_receipt(receipt)), Some(receipt));
        }
    }

    #[test]
    fn any_other_text_is_no_handle() {
        let foreign = STANDARD.encode([2; 17]);
        for text in ["", "x", "AQEB", "not base64!", foreign.as_str(), &STANDARD.encode([1; 18])] {
            assert_eq!(decode_receipt(text), None, "{text}");
        }
    }
}
