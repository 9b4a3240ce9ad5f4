package bulk

import (
	"cmp"
	"context"
	"embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// Report gathers what one page can show about who reaches what. Title, Source
// and Directory are needed; Collect fills the rest. It is used by one goroutine.
type Report struct {
	Title     string
	Source    Source
	Directory *Directory
	Type      *winnt.ObjectType // of objects that do not tell; nil: file
	Config    effective.Config

	Objects    int
	Unreadable int
	Stale      int // objects with NoteStale
	FirstStale string
	Errors     []string // of the first unreadable objects
	FirstError error
	Partial    bool // the run was interrupted

	principals *effective.Principals
	evaluators map[*winnt.ObjectType]*effective.Evaluator
	found      map[key]*found
	list       []*found
	reach      [][3]int // of each principal: objects it can read, write, control
	orphans    map[sid.SID]*orphan
}

// found is a distinct descriptor.
type found struct {
	key
	objects int
	samples []string
	counts  [3]int // principals that can read, write, control
	number  int
}

// orphan is an account without a name.
type orphan struct {
	SID     string
	Objects int
	Granted winnt.AccessMask
	Sample  string
}

// The rights a report is about.
var reportRights = [3]string{"read", "write", "full"}

// How much of each list is shown.
const (
	maxSamples = 5
	maxListed  = 50
	maxPeople  = 40
	maxErrors  = 20
)

// Collect reads and decides all objects. Its error is that of the source or of
// ctx; what was read until then is in the report.
func (r *Report) Collect(ctx context.Context) error {
	if r.Type == nil {
		r.Type = winnt.FileObject
	}
	r.principals = effective.Compile(r.Directory.Tokens(), r.Config)
	r.evaluators = map[*winnt.ObjectType]*effective.Evaluator{}
	r.found, r.orphans = map[key]*found{}, map[sid.SID]*orphan{}
	r.reach = make([][3]int, len(r.Directory.Principals))
	err := All(ctx, r.Source, r.Directory.Domain, r.Type, func(i Item) bool {
		r.Objects++
		if i.Note == NoteStale {
			if r.Stale++; r.FirstStale == "" {
				r.FirstStale = i.Path
			}
		}
		if i.Err != nil {
			r.Unreadable++
			if r.FirstError == nil {
				r.FirstError = fmt.Errorf("%s: %w", i.Path, i.Err)
			}
			if len(r.Errors) < maxErrors {
				r.Errors = append(r.Errors, i.Path+": "+i.Err.Error())
			}
			return true
		}
		k := key{i.Descriptor, i.Type}
		f := r.found[k]
		if f == nil {
			f = &found{key: k, number: len(r.list) + 1}
			r.found[k] = f
			r.list = append(r.list, f)
		}
		f.objects++
		if len(f.samples) < maxSamples {
			f.samples = append(f.samples, i.Path)
		}
		return true
	})
	r.Partial = err != nil
	for _, f := range r.list {
		sets, e := r.sets(f.key)
		if e != nil {
			return e
		}
		for i, s := range sets {
			f.counts[i] = s.Count()
			for p := range s.All() {
				r.reach[p][i] += f.objects
			}
		}
		r.noteOrphans(f)
	}
	return err
}

// Distinct is the number of distinct descriptors.
func (r *Report) Distinct() int { return len(r.list) }

func (r *Report) sets(k key) ([]effective.Set, error) {
	e := r.evaluators[k.typ]
	if e == nil {
		q := effective.Question{Type: k.typ}
		for _, name := range reportRights {
			q.Rights = append(q.Rights, wordMask(slices.Index(words[:], name), k.typ))
		}
		var err error
		if e, err = effective.NewEvaluator(r.principals, q); err != nil {
			return nil, err
		}
		r.evaluators[k.typ] = e
	}
	return e.Allowed(k.d), nil
}

func (r *Report) noteOrphans(f *found) {
	note := func(s sid.SID, m winnt.AccessMask) {
		if s.IsZero() || r.Directory.Known(s) || s.Authority() != 5 && s.Authority() != 22 {
			return
		}
		o := r.orphans[s]
		if o == nil {
			o = &orphan{SID: s.String(), Sample: f.samples[0]}
			r.orphans[s] = o
		}
		o.Objects += f.objects
		o.Granted |= m
	}
	seen := map[sid.SID]winnt.AccessMask{f.d.Owner(): 0}
	for _, a := range f.d.DACL().All() {
		m := winnt.AccessMask(0)
		if a.Type() == sd.AccessAllowed {
			m = f.typ.Mapping.Map(a.Mask())
		}
		seen[a.SID()] |= m
	}
	for s, m := range seen {
		note(s, m)
	}
}

//go:embed report.html
var reportFile embed.FS

var reportPage = template.Must(template.ParseFS(reportFile, "report.html"))

// The page's data.
type (
	page struct {
		*Report
		People, DistinctCount, Disabled int
		Reach                           []reachRow
		Risky, Widest                   []descriptorRow
		Orphans                         []*orphan
		Details                         []detail
	}
	reachRow struct {
		Name                 string
		Read, Write, Full    int
		ReadP, WriteP, FullP int // per cent of the objects
		Administrator        bool
	}
	descriptorRow struct {
		Number, Objects, Read, Write, Full int
		Why, Sample                        string
	}
	detail struct {
		descriptorRow
		Owner   string
		Samples []string
		Entries []entryRow
		Access  []accessRow
		NoDACL  bool
	}
	entryRow struct {
		Index                       int
		Kind, Account, Rights, Mask string
		Orphan                      bool
	}
	accessRow struct {
		Right string
		Count int
		By    []byEntry
		More  int
	}
	byEntry struct{ Reason, People string }
)

// Write writes the page: one file, without anything from elsewhere.
func (r *Report) Write(out io.Writer) error {
	p := page{Report: r, People: len(r.Directory.Principals), DistinctCount: len(r.list), Disabled: r.Directory.Disabled}
	total := max(r.Objects-r.Unreadable, 1)
	for i, n := range r.reach {
		p.Reach = append(p.Reach, reachRow{r.Directory.Principals[i].Name, n[0], n[1], n[2], 100 * n[0] / total, 100 * n[1] / total, 100 * n[2] / total,
			r.Directory.Principals[i].Token.IsAdmin()})
	}
	slices.SortStableFunc(p.Reach, func(a, b reachRow) int {
		return cmp.Or(b.Full-a.Full, b.Write-a.Write, b.Read-a.Read)
	})
	p.Reach = p.Reach[:min(len(p.Reach), 4*maxListed)]
	listed := map[*found]bool{}
	p.Risky = r.rank(listed, func(f *found) (int, string) { return r.risk(f) })
	p.Widest = r.rank(listed, func(f *found) (int, string) {
		return f.counts[0] * f.objects, fmt.Sprintf("%d of %d can read", f.counts[0], p.People)
	})
	for _, o := range r.orphans {
		p.Orphans = append(p.Orphans, o)
	}
	slices.SortFunc(p.Orphans, func(a, b *orphan) int { return cmp.Or(b.Objects-a.Objects, strings.Compare(a.SID, b.SID)) })
	p.Orphans = p.Orphans[:min(len(p.Orphans), maxListed)]
	for _, f := range r.list {
		if listed[f] {
			d, err := r.detail(f)
			if err != nil {
				return err
			}
			p.Details = append(p.Details, d)
		}
	}
	return reportPage.Execute(out, p)
}

// rank lists the descriptors with the highest scores; those without any are
// left out.
func (r *Report) rank(listed map[*found]bool, score func(*found) (int, string)) []descriptorRow {
	type scored struct {
		f   *found
		n   int
		why string
	}
	var all []scored
	for _, f := range r.list {
		if n, why := score(f); n > 0 {
			all = append(all, scored{f, n, why})
		}
	}
	slices.SortStableFunc(all, func(a, b scored) int { return cmp.Compare(b.n, a.n) })
	var out []descriptorRow
	for _, s := range all[:min(len(all), maxListed)] {
		listed[s.f] = true
		out = append(out, r.descriptorRow(s.f, s.why))
	}
	return out
}

func (r *Report) descriptorRow(f *found, why string) descriptorRow {
	return descriptorRow{f.number, f.objects, f.counts[0], f.counts[1], f.counts[2], why, f.samples[0]}
}

// risk scores a descriptor: who can write or control it, weighed by how many
// people and objects that is. Fewer than half of the people is no risk of this
// kind: that is what shares are for.
func (r *Report) risk(f *found) (score int, why string) {
	half := (len(r.Directory.Principals) + 1) / 2
	switch {
	case !f.d.HasDACL():
		return 8 * f.counts[0] * f.objects, "no DACL: everybody can do everything"
	case f.counts[2] >= half && f.counts[2] > 1:
		return 4 * f.counts[2] * f.objects, fmt.Sprintf("%d people have full control", f.counts[2])
	case f.counts[1] >= half && f.counts[1] > 1:
		return 2 * f.counts[1] * f.objects, fmt.Sprintf("%d people can write", f.counts[1])
	}
	for _, a := range f.d.DACL().All() {
		if a.Type() == sd.AccessAllowed && (a.SID() == sid.Anonymous || a.SID() == sid.Guests || a.SID() == sid.Everyone) && f.typ.Mapping.Map(a.Mask())&f.typ.Mapping.Write&^f.typ.Mapping.Read != 0 {
			return f.objects, r.Directory.Name(a.SID()) + " has writing rights by an entry"
		}
	}
	return 0, ""
}

func (r *Report) detail(f *found) (detail, error) {
	d := detail{descriptorRow: r.descriptorRow(f, ""), Owner: r.Directory.Name(f.d.Owner()), Samples: f.samples, NoDACL: !f.d.HasDACL()}
	for i, a := range f.d.DACL().All() {
		m := f.typ.Mapping.Map(a.Mask())
		rights := strings.Join(Words(m, f.typ), ", ")
		if rights == "" {
			rights = strings.ReplaceAll(f.typ.Names(m), "|", ", ")
		}
		d.Entries = append(d.Entries, entryRow{i, entryKind(a), r.Directory.Name(a.SID()), rights, m.Padded(), !r.Directory.Known(a.SID())})
	}
	sets, err := r.sets(f.key)
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
			why := r.because(f, p, wordMask(slices.Index(words[:], reportRights[i]), f.typ))
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

// because names the entries that grant a right to a principal.
func (r *Report) because(f *found, p int, m winnt.AccessMask) string {
	_, x, err := access.Explain(&access.Request{Descriptor: f.d, Subject: access.Subject{Primary: r.Directory.Principals[p].Token},
		Desired: m, Type: f.typ, Policies: r.Config.Policies, Options: r.Config.Options})
	if err != nil {
		return err.Error()
	}
	var out []string
	for _, b := range x.Reasons {
		if text := b.Reason.String(); !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	return strings.Join(out, " + ")
}

func entryKind(a sd.ACE) string {
	kind := "allow"
	switch a.Type() {
	case sd.AccessDenied, sd.AccessDeniedObject, sd.AccessDeniedCallback, sd.AccessDeniedCallbackObject:
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
