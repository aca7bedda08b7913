//! Firewall rules: the text that `iptables-save` and `nft list ruleset` printed into the dump.

/// One line of a rule set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Rule {
    /// Where the line begins in the image, in bytes.
    pub offset: u64,
    /// The table, with nftables after its family.
    pub table: Option<String>,
    /// The chain, set or map.
    pub chain: Option<String>,
    /// The line.
    pub text: String,
    /// Whether CRIU put it there, to hold the network still for the dump.
    pub lock: bool,
}

/// Longest text of one rule that is kept, in bytes; the image has the rest.
const TEXT_BYTES: usize = 16 << 10;
/// The chain with which CRIU stops packets (criu/net.c).
const LOCK: &str = "CRIU";

fn lines(bytes: &[u8]) -> impl Iterator<Item = (u64, String)> + '_ {
    let mut offset = 0_u64;
    bytes.split(|b| *b == b'\n').map(move |line| {
        let at = offset;
        offset = offset.saturating_add(line.len() as u64).saturating_add(1);
        let shown = line.get(..TEXT_BYTES).unwrap_or(line);
        (at, String::from_utf8_lossy(shown).trim().to_owned())
    })
}

/// Whether a rule sends packets to CRIU's chain.
fn jumps_to_lock(text: &str) -> bool {
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    words.windows(2).any(|w| matches!(w, ["jump" | "-j", LOCK]))
}

/// Rules as `iptables-save` prints them: `*table`, `:CHAIN POLICY`, `-A CHAIN …`.
pub(super) fn iptables(bytes: &[u8]) -> Vec<Rule> {
    let mut rules = Vec::new();
    let mut table = None;
    for (offset, text) in lines(bytes) {
        if let Some(name) = text.strip_prefix('*') {
            table = Some(name.to_owned());
            continue;
        }
        let chain = if let Some(policy) = text.strip_prefix(':') {
            policy.split_ascii_whitespace().next()
        } else if text.starts_with('-') || text.starts_with('[') {
            let mut words = text.split_ascii_whitespace();
            words.find(|w| matches!(*w, "-A" | "-I" | "-N" | "-P")).and_then(|_| words.next())
        } else {
            // Comments, COMMIT, empty lines.
            continue;
        };
        let chain = chain.map(str::to_owned);
        let lock = chain.as_deref() == Some(LOCK) || jumps_to_lock(&text);
        rules.push(Rule { offset, table: table.clone(), chain, text, lock });
    }
    rules
}

/// Rules as `nft list ruleset` prints them: blocks of tables, in them blocks of chains, in them rules.
pub(super) fn nftables(bytes: &[u8]) -> Vec<Rule> {
    let mut rules = Vec::new();
    // The heads of the blocks that are open; sets may hold blocks of elements.
    let mut open: Vec<String> = Vec::new();
    for (offset, text) in lines(bytes) {
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        if text == "}" {
            open.pop();
            continue;
        }
        let name = |head: &String| head.split_once(' ').map_or_else(|| head.clone(), |(_, n)| n.to_owned());
        if let Some(head) = text.strip_suffix('{').filter(|_| open.len() < 2) {
            open.push(head.trim().to_owned());
            continue;
        }
        let (table, chain) = (open.first().map(name), open.get(1).map(name));
        let lock = chain.as_deref() == Some(LOCK) || jumps_to_lock(&text);
        rules.push(Rule { offset, table, chain, text, lock });
    }
    rules
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iptables_lines() {
        let text = b"# Generated\n*filter\n:INPUT ACCEPT [0:0]\n:CRIU - [0:0]\n-A INPUT -j CRIU\n-A INPUT -s 10.0.0.0/8 -j DROP\nCOMMIT\n";
        let rules = iptables(text);
        assert_eq!(rules.len(), 4);
        let last = &rules[3];
        assert_eq!((last.table.as_deref(), last.chain.as_deref()), (Some("filter"), Some("INPUT")));
        assert_eq!(
            (last.text.as_str(), last.lock, last.offset),
            ("-A INPUT -s 10.0.0.0/8 -j DROP", false, 71)
        );
        assert_eq!(rules.iter().map(|r| r.lock).collect::<Vec<_>>(), [false, true, true, false]);
    }

    #[test]
    fn nftables_blocks() {
        let text = b"table ip filter {\n\tchain CRIU {\n\t\tcounter packets 0 bytes 0 drop\n\t}\n\n\tchain INPUT {\n\t\ttype filter hook input priority filter; policy accept;\n\t\ttcp dport { 22, 80 } accept\n\t}\n}\n}\ntable inet other {\n}\n";
        let rules = nftables(text);
        assert_eq!(rules.len(), 3);
        assert!(rules[0].lock && !rules[2].lock);
        let last = &rules[2];
        assert_eq!((last.table.as_deref(), last.chain.as_deref()), (Some("ip filter"), Some("INPUT")));
        assert_eq!(last.text, "tcp dport { 22, 80 } accept");
        assert_eq!(&text[usize::try_from(last.offset).unwrap()..][..2], b"\t\t");
    }
}
