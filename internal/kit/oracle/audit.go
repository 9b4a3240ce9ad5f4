package oracle

import "slices"

// Auditing is the question of an audit record: an access check and how it ended.
type Auditing struct {
	AccessCheck
	Status  string
	Granted Word
}

// Recorded returns the indexes of the SACL's entries that ask for a record (U-11, U-12, U-14). Without entries the list
// is empty, not nil. A success is compared by the granted rights, a refusal by the requested ones. An entry whose
// condition is unknown counts.
func Recorded(q *Auditing) (entries []int) {
	entries = []int{}
	if q.SD.SACL == nil {
		return entries
	}
	ok := q.Status == Success
	mask := q.Granted
	if !ok {
		// A refusal is compared by the requested rights, or all rights of the type for MAXIMUM_ALLOWED (U-11).
		if mask = q.Mapping.Map(q.Desired) &^ maximumAllowed; q.Desired == maximumAllowed {
			mask = q.Mapping.All
		}
	}
	t := q.Token
	for i, a := range q.SD.SACL.Entries {
		want := byte(AuditFailure)
		if ok {
			want = AuditSuccess
		}
		if a.Type != Audit && a.Type != AuditCallback || a.Flags&InheritOnly != 0 || a.Flags&want == 0 {
			continue
		}
		s := q.substitute(a.SID)
		if q.Mapping.Map(a.Mask)&mask == 0 || s == "" || !t.matches(s, false) && !slices.Contains(t.Restricting, s) {
			continue
		}
		e := conditions{&q.AccessCheck, userSide, false}
		if a.Cond != nil && e.eval(a.Cond) == no {
			continue
		}
		entries = append(entries, i)
	}
	return entries
}
