package bulk

import (
	"slices"
	"strings"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// row returns the row of the report's tables. why is the reason for the listing; it may be empty. l must have a
// sample.
func (l *listed) row(why string) descriptorRow {
	return descriptorRow{l.number, l.Objects, l.Counts[0], l.Counts[1], l.Counts[2], why, l.Samples[0]}
}

// detail returns the report's section on one descriptor. It has the owner, the entries, and who has each right for
// which reason. At most maxPeople principals are named for each right. Principals with equal reasons share a row. A
// malformed key is an error.
func (r *Report) detail(l *listed) (detail, error) {
	k, err := parseKey(l.key, r.Directory.Domain)
	if err != nil {
		return detail{}, err
	}
	d := detail{descriptorRow: l.row(""), Owner: r.Directory.Name(k.d.Owner()), Samples: l.Samples, NoDACL: !k.d.HasDACL(),
		Behind: !k.way.PassesOthers()}
	for i, a := range k.d.DACL().All() {
		m := k.typ.Mapping.Map(a.Mask())
		rights := strings.Join(words.Granted(m, k.typ), ", ")
		if rights == "" {
			rights = strings.ReplaceAll(k.typ.Names(m), "|", ", ")
		}
		if on := words.Entry(a); on != "" {
			rights += " " + on
		}
		d.Entries = append(d.Entries, entryRow{
			i + 1, entryKind(a), r.Directory.Name(a.SID()), rights, m.Padded(), !r.Directory.Known(a.SID()),
		})
	}
	sets, err := r.sets(k)
	if err != nil {
		return d, err
	}
	for i, s := range sets {
		row := accessRow{Right: reportRights[i], Count: s.Count()}
		at := map[string]int{}
		shown := 0
		for p := range s.All() {
			if shown++; shown > maxPeople {
				row.More = row.Count - maxPeople
				break
			}
			why := r.because(k, p, r.run.Rights[i])
			n, ok := at[why]
			if !ok {
				n = len(row.By)
				at[why] = n
				row.By = append(row.By, byEntry{Reason: why})
			} else {
				row.By[n].People += ", "
			}
			row.By[n].People += r.Directory.Principals[p].Name
		}
		d.Access = append(d.Access, row)
	}
	return d, nil
}

// sets returns the principals that can read, write and control the objects with a descriptor. The sets are valid until
// the next call.
func (r *Report) sets(k place) ([]effective.Set, error) {
	if r.decider == nil {
		d, err := newDecider(r.run)
		if err != nil {
			return nil, err
		}
		r.decider = d
	}
	sets, _, err := r.decider.sets(k)
	return sets, err
}

// because returns the entries that grant a right to the principal with index p. The text has the entries of the
// object and of any share. It is "" if the right is not granted. For an admin user of the share it is a fixed text.
func (r *Report) because(k place, p int, right words.Right) string {
	if r.Directory.Principals[p].Root {
		return "admin users of the share: descriptors of files are not checked"
	}
	var all []string
	for _, part := range right.Parts(k.typ) {
		text, ok := r.reasons(k.d, k.typ, p, part.Mask)
		if ok && r.Share != nil {
			var share string
			share, ok = r.reasons(r.Share, k.typ, p, part.Mask)
			text += ", share " + share
		}
		if ok && !slices.Contains(all, text) {
			all = append(all, text)
		}
	}
	return strings.Join(all, " or ")
}

// reasons returns the entries of d that grant a mask to a principal. ok is false if the mask is not granted. If the
// check fails, text is its error and ok is true.
func (r *Report) reasons(
	d *sd.Descriptor, typ *winnt.ObjectType, p int, m winnt.AccessMask,
) (text string, ok bool) {
	dec, x, err := access.Explain(&access.Request{Descriptor: d,
		Subject: access.Subject{Primary: r.Directory.Principals[p].Token},
		Desired: m, Type: typ, Policies: r.Config.Policies, Options: r.Config.Options})
	if err != nil {
		return err.Error(), true
	}
	var out []string
	for _, b := range x.Reasons {
		if text := b.Reason.Words(b.Granted, "it"); !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	return strings.Join(out, " + "), dec.Allowed()
}

// entryKind returns "allow" or "deny", with "if" for a conditional entry, "children only" and "inherited". An
// entry that does not deny is "allow".
func entryKind(a sd.ACE) string {
	kind := "allow"
	if a.Type().IsDeny() {
		kind = "deny"
	}
	if a.Type().IsCallback() {
		kind += " if"
	}
	if a.Flags()&sd.InheritOnly != 0 {
		kind += ", children only"
	}
	if a.Flags()&sd.Inherited != 0 {
		kind += ", inherited"
	}
	return kind
}
