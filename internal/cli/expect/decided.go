package expect

import (
	"strconv"
	"strings"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/accessquery"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
)

// decided returns the granted and denied rights with the entries of d that decided, and the rights that the check did
// not reach (U-113). If people is true, entries count from 1 and other reasons are in words. If the answer has no
// explanation, it returns the cause of the refusal.
func (d *Descriptor) decided(f *File, a *accessquery.Answer, people bool) string {
	if a.Why == nil {
		return a.Refused.Because
	}
	type outcome struct{ what, by string }
	var order []outcome
	names := map[outcome][]string{}
	for _, r := range a.Why.Reasons {
		o := outcome{what: "skipped"}
		if !a.Why.Skipped(r) {
			o = outcome{word(r.Granted), f.by(d, r, people)}
		}
		if names[o] == nil {
			order = append(order, o)
		}
		names[o] = append(names[o], d.Type.RightName(r.Bit))
	}
	parts := make([]string, len(order))
	for i, o := range order {
		parts[i] = o.what + " " + strings.Join(names[o], "|") + o.by
	}
	text := strings.Join(parts, "; ")
	if d.folder {
		name := "a folder on the way"
		if d.Name != "" {
			name = "the folder " + d.Name
		}
		text = name + ", by its mode or POSIX ACL: " + text
	}
	return text
}

// by describes what decided a right, for a report: " by" and the deciding entry as SDDL with its account. If no entry
// decided, it has the text of the reason, for people in words. d is the descriptor that was checked.
func (f *File) by(d *Descriptor, b access.BitReason, people bool) string {
	r := b.Reason
	list := d.SD.DACL()
	if r.List == "SACL" {
		list = d.SD.SACL()
	}
	if r.List == "" || r.Index < 0 || r.Index >= list.Len() {
		if people {
			return ": " + r.Words(b.Granted, "it")
		}
		return " by " + r.String()
	}
	entry, place := list.At(r.Index), " "+strconv.Itoa(r.Index)
	if people {
		place = " entry " + strconv.Itoa(r.Index+1)
	}
	text := " by " + r.List + place + " " + entryText(entry)
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
