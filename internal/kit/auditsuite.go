package kit

import "github.com/refmon/refmon/internal/kit/oracle"

// AuditIn is the input of audit_check.
type AuditIn struct {
	AccessIn
	Status  string      `json:"status"`
	Granted oracle.Word `json:"granted"`
}

// recorded adds a question to the suite: which SACL entries request an audit record of the access check q? The
// expected answer is the oracle's.
func (b *builder) recorded(q *oracle.Auditing, rules ...string) {
	entries := oracle.Recorded(q)
	b.add("audit_check", AuditIn{accessIn(&q.AccessCheck), q.Status, q.Granted},
		&Out{Recorded: ref(len(entries) > 0), Entries: &entries}, rules...)
}

// audited returns a finished access check for questions about its audit. The SACL has these entries. If granted is
// true, the mapped rights of desired are granted, and for MAXIMUM_ALLOWED bits 0 and 1. If not, the status is
// STATUS_ACCESS_DENIED.
func audited(t *oracle.Token, desired oracle.Word, granted bool, entries ...oracle.ACE) *oracle.Auditing {
	d := object(entry(oracle.Allow, 3, everyone))
	d.SACL = list(entries...)
	q := &oracle.Auditing{AccessCheck: *plainCheck(t, d, desired), Status: oracle.AccessDenied}
	if granted {
		q.Status, q.Granted = oracle.Success, q.Mapping.Map(desired)&^maximum
		if desired&maximum != 0 {
			q.Granted |= 3
		}
	}
	return q
}

// makeAudit builds the suite "audit": each single SACL entry with each outcome, 800 random SACLs, and
// conditional audit entries.
func makeAudit(b *builder) {
	var all []oracle.ACE
	for _, flags := range []byte{oracle.AuditSuccess, oracle.AuditFailure, 0xC0, 0,
		0xC0 | oracle.InheritOnly | oracle.ObjectInherit} {
		for _, s := range []string{user, everyone, groupG, groupH, stranger, limited, owners, self} {
			for _, mask := range []oracle.Word{1, 2, 0x80000000, 0x10000000} {
				a := entry(oracle.Audit, mask, s)
				a.Flags = flags
				all = append(all, a)
			}
		}
	}
	for _, a := range all {
		for _, granted := range []bool{false, true} {
			for _, desired := range []oracle.Word{1, 3, maximum, 0x80000000} {
				q := audited(grouped(), desired, granted, a)
				b.recorded(q, "U-12", "U-11")
				if a.SID == limited {
					q.Token.Restricting = []string{limited}
					b.recorded(q, "U-12", "U-11")
				}
				if a.SID == owners {
					q.SD.Owner = user
					b.recorded(q, "U-12", "U-11")
				}
				if a.SID == self {
					q.Self = groupG
					b.recorded(q, "U-12", "U-11")
				}
			}
		}
	}
	b.drawn = true
	r := source(3)
	for range 800 {
		var entries []oracle.ACE
		for range 2 + r.IntN(3) {
			a := pick(r, all)
			if r.IntN(8) == 0 {
				a.Type = oracle.Alarm
			}
			entries = append(entries, a)
		}
		b.recorded(audited(grouped(), pick(r, []oracle.Word{1, 2, 3, maximum}), r.IntN(2) == 0, entries...), "U-12",
			"U-14")
	}
	b.drawn = false
	for _, c := range combined()[:40] {
		for _, granted := range []bool{false, true} {
			a := entry(oracle.AuditCallback, 1, everyone)
			a.Flags, a.Cond = 0xC0, c
			b.recorded(audited(claimed(), 1, granted, a), "U-12")
		}
	}
}
