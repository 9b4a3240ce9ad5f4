package bulk

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
)

// reached is the answer of a Through run for a descriptor: for each right, the groups of principals and the entries
// that grant it to them.
type reached struct {
	lines   [][]line
	sets    []byte // principals of each right
	allowed int64
}

// line is an output line: principals, as text, that have a right through the same entries.
type line struct{ who, through string }

// noOne is the text for a right without principals.
const noOne = "(no one)"

// askThrough returns the bulk question of who-can with entries: for each object, the principals that have each right,
// and the entries that grant it. An object whose descriptor cannot be evaluated becomes a row without an answer.
func askThrough(d *decider) asking[reached, none] {
	w := &rows{run: d.run}
	t := &tracer{run: d.run, members: map[sid.SID]effective.Set{}}
	return asking[reached, none]{
		cost: 256 * len(d.run.Rights),
		decide: func(x place) (a reached, share bool, err error) {
			sets, share, err := d.sets(x)
			if err != nil {
				return a, share, err
			}
			a.sets = bytesOf(sets)
			for i, s := range sets {
				a.allowed += int64(s.Count())
				lines, err := t.lines(x, d.run.Rights[i].On(d.run.Types, x.typ), s)
				if err != nil {
					return a, share, err
				}
				a.lines = append(a.lines, lines)
			}
			return a, share, nil
		},
		put: func(b *box[none], o *objects.Object, a *reached) {
			b.sum.Allowed += a.allowed
			for i := range a.lines {
				b.out = w.through(b.out, o, d.run.Rights[i].Name, a.lines[i])
			}
		},
		fail: failed[none](w),
	}
}

// through appends the rows of a right: one for each line, with the path and the right in the first one only. Without
// lines it appends a row that says so.
func (w *rows) through(dst []byte, o *objects.Object, right string, lines []line) []byte {
	path := string(o.Path)
	if len(lines) == 0 {
		return appendRow(dst, plain(path), plain(right), bad(noOne), plain(""))
	}
	for _, l := range lines {
		dst = appendRow(dst, plain(path), plain(right), plain(l.who), plain(l.through))
		path, right = "", ""
	}
	return dst
}

// tracer finds the entries that give principals a right. Owned by one goroutine.
type tracer struct {
	run     *Run
	members map[sid.SID]effective.Set // members of SIDs in entries; cleared when full
}

const (
	maxTraced  = 1000 // principals of a descriptor that are evaluated one by one
	maxMembers = 1 << 10
	maxNamed   = 3 // names in the place of a group
)

// way is one combination of ACL entries that grants a right, with the principals that have the right through it.
type way struct {
	text  string
	order int     // of the first entry
	by    sid.SID // the SID of the entry; zero: there are several entries, or none
	who   effective.Set
}

// lines groups the principals of the set s by the entries that give them a right, in the order of the entries
// (U-102). After maxTraced different principals the others share one line without entries. For an empty set it
// returns no lines.
func (t *tracer) lines(x place, right words.Right, s effective.Set) ([]line, error) {
	alike, asked := map[string]*way{}, 0
	var ways []*way
	for i := range s.All() {
		key := t.key(x.d, i)
		w := alike[key]
		if w == nil {
			found := way{text: "(not traced: refmon access explains it)", order: 1 << 20}
			if asked++; asked <= maxTraced {
				var err error
				if found, err = t.way(x, right, i); err != nil {
					return nil, err
				}
			}
			at := slices.IndexFunc(ways, func(w *way) bool { return w.text == found.text })
			if at < 0 {
				at = len(ways)
				found.who = make(effective.Set, len(s))
				ways = append(ways, &found)
			}
			w = ways[at]
			alike[key] = w
		}
		w.who[i/64] |= 1 << (i % 64)
	}
	slices.SortStableFunc(ways, func(a, b *way) int { return cmp.Compare(a.order, b.order) })
	lines := make([]line, len(ways))
	for i, w := range ways {
		lines[i] = line{t.who(w, s), w.text}
	}
	return lines, nil
}

// key returns a text that is equal for principals with the same rights through the same entries. The text states
// which entries' SIDs match and which privileges are enabled. It is unique for a sandboxed or restricted token, and
// if the descriptor has conditions or object types.
func (t *tracer) key(d *sd.Descriptor, i int) string {
	p := &t.run.Directory.Principals[i]
	tok := p.Token
	const apart = sd.HasOthers | sd.HasExtras | sd.HasAccessFilter | sd.HasScopedPolicy | sd.HasTrustLabel |
		sd.HasPrincipalSelf
	// Ignore HasOthers of the SACL: the entries of a SACL that limit access have their own facts.
	if (d.DACL().Facts()|d.SACL().Facts()&^sd.HasOthers)&apart != 0 || tok.IsSandboxed() || tok.RestrictedSet() != nil {
		return fmt.Sprint("alone ", i)
	}
	key := fmt.Appendf(nil, "%t %x %x %x %t%t ", p.Root, tok.Enabled(), tok.Integrity(), tok.MandatoryPolicy(),
		tok.Member(d.Owner(), false), tok.Member(d.Owner(), true))
	for _, e := range d.DACL().Entries() {
		match := byte('0')
		if tok.Member(e.SID, false) {
			match++
		}
		if tok.Member(e.SID, true) {
			match += 2
		}
		key = append(key, match)
	}
	return string(key)
}

// way explains through which entries the principal with index i has a right. w.who is empty. Without a granting
// entry, and after an error, the text is empty. If entries for several accounts grant the right, w.by is zero. Of
// control, which either of two rights gives, the first granted right is explained.
func (t *tracer) way(of place, right words.Right, i int) (w way, err error) {
	d, typ := of.d, of.typ
	p := &t.run.Directory.Principals[i]
	w.order = 1 << 19
	if p.Root {
		w.text = "admin users of the share: descriptors of files are not checked"
		return w, nil
	}
	var texts []string
	by := map[sid.SID]bool{}
	for _, part := range right.Parts(typ) {
		dec, x, err := access.Explain(&access.Request{Descriptor: d, Subject: access.SubjectOf(p.Token), Type: typ,
			Desired: part.Mask, ObjectTypes: words.Under(of.class, part.List()), Policies: t.run.Config.Policies,
			Options: t.run.Config.Options})
		if err != nil {
			return w, err
		}
		if right.Any() && !dec.Allowed() {
			continue
		}
		for _, r := range x.Reasons {
			text := t.reason(d, r.Reason)
			if r.Reason.Kind == access.AceAllow {
				w.order = min(w.order, r.Reason.Index)
				by[d.DACL().At(r.Reason.Index).SID()] = true
			} else {
				by[sid.SID{}] = true
			}
			if !slices.Contains(texts, text) {
				texts = append(texts, text)
			}
		}
		if right.Any() {
			break
		}
	}
	w.text = strings.Join(texts, ", ")
	for s := range by {
		if len(by) == 1 {
			w.by = s
		}
	}
	return w, nil
}

// reason names what granted a bit: an entry with its account, the ownership, or a privilege. Other kinds are given in
// words.
func (t *tracer) reason(d *sd.Descriptor, r access.Reason) string {
	switch r.Kind {
	case access.AceAllow:
		return fmt.Sprintf("%s entry %d %s", r.List, r.Index+1, t.run.Directory.Name(d.DACL().At(r.Index).SID()))
	case access.Owner:
		return "owner " + t.run.Directory.Name(d.Owner())
	case access.Privilege:
		return r.Privilege.String()
	case access.NullDacl:
		return "no DACL"
	}
	return r.Words(true, "it")
}

// who returns a text with the principals of a way. A few are listed by name. Many are named by the group in the
// entry, with the number of its members in allowed (U-103). If few members are not in allowed, which has all
// principals with the right, the text names them.
func (t *tracer) who(w *way, allowed effective.Set) string {
	if n := w.who.Count(); n <= maxNamed || w.by.IsZero() {
		return t.names(w.who, n)
	}
	all := t.of(w.by)
	without := make(effective.Set, len(all))
	for k := range all {
		without[k] = all[k] &^ allowed[k]
	}
	name, members, lacking := t.run.Directory.Name(w.by), all.Count(), without.Count()
	switch {
	case lacking == 0:
		return fmt.Sprintf("%s (%d)", name, members)
	case lacking <= maxNamed:
		return fmt.Sprintf("%s but %s (%d of %d)", name, t.names(without, lacking), members-lacking, members)
	}
	return fmt.Sprintf("%s (%d of %d)", name, members-lacking, members)
}

// names returns the names of a set of n principals, separated by commas: at most maxNamed, and the number of the
// others.
func (t *tracer) names(s effective.Set, n int) string {
	var out []string
	for i := range s.All() {
		if len(out) == maxNamed {
			return fmt.Sprintf("%s and %d more", strings.Join(out, ", "), n-maxNamed)
		}
		out = append(out, t.run.Directory.Principals[i].Name)
	}
	return strings.Join(out, ", ")
}

// of returns the principals that are, or belong to, the account s, so that an allow entry for it applies to them. It
// caches the sets. The caller must not change the result.
func (t *tracer) of(s sid.SID) effective.Set {
	if set, ok := t.members[s]; ok {
		return set
	}
	list := t.run.Directory.Principals
	set := make(effective.Set, (len(list)+63)/64)
	for i := range list {
		if memberOf(&list[i], s) {
			set[i/64] |= 1 << (i % 64)
		}
	}
	if len(t.members) >= maxMembers {
		clear(t.members)
	}
	t.members[s.Clone()] = set
	return set
}

// memberOf reports whether an allow entry for a SID applies to a principal.
func memberOf(p *directory.Principal, s sid.SID) bool { return p.Token.Member(s, false) }
