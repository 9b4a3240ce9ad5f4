package expect

import (
	"strconv"
	"strings"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/accessquery"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
)

// decided describes the granted and denied rights with the deciding entries, so that a reader finds the cause of a
// failed case (U-113).
func (q *question) decided(f *File, a *accessquery.Answer) string {
	if a.Why == nil {
		return a.Refused.Because
	}
	type outcome struct{ what, by string }
	var order []outcome
	names := map[outcome][]string{}
	for _, r := range a.Why.Reasons {
		o := outcome{word(r.Granted), f.by(q.on, r.Reason)}
		if names[o] == nil {
			order = append(order, o)
		}
		names[o] = append(names[o], q.on.Type.RightName(r.Bit))
	}
	parts := make([]string, len(order))
	for i, o := range order {
		parts[i] = o.what + " " + strings.Join(names[o], "|") + " by " + o.by
	}
	return strings.Join(parts, "; ")
}

// by describes the reason of a decision: the deciding entry as SDDL with its account, or the text of r if no entry
// decided.
func (f *File) by(d *Descriptor, r access.Reason) string {
	list := d.SD.DACL()
	if r.List == "SACL" {
		list = d.SD.SACL()
	}
	if r.List == "" || r.Index < 0 || r.Index >= list.Len() {
		return r.String()
	}
	entry := list.At(r.Index)
	text := r.List + " " + strconv.Itoa(r.Index) + " " + entryText(entry)
	if f.directory != nil && f.directory.Known(entry.SID()) {
		text += " " + f.directory.Name(entry.SID())
	}
	return text
}

// entryText returns an entry as SDDL, or its type if SDDL cannot express it.
func entryText(a sd.ACE) string {
	text, err := sddl.FormatACE(a, sddl.Options{Extended: true})
	if err != nil {
		return a.Type().String()
	}
	return text
}
