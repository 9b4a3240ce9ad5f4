package bulk

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"os"
	"slices"

	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/printable"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// Report collects the data for a page about who can access what. Title, Source and Directory are required; Collect
// fills in the rest.
type Report struct {
	Title     string
	Source    objects.Source
	Directory *directory.Directory
	Type      *winnt.ObjectType // of objects without a type; nil: file
	Config    effective.Config
	Share     *sd.Descriptor // descriptor of a share, which limits the rights on all objects; nil: no share

	Workers    int // 0: one a core
	CacheBytes int // limit of the caches in bytes; 0: 256 MiB

	Progress func(Position)                        // called at intervals; may be nil
	Save     func(Position, json.RawMessage) error // called at intervals with the arguments of Resume; may be nil
	State    *os.File                              // with Save: where the rest of it is kept

	Summary
	Distinct int      // descriptors; set by Write
	Errors   []string // of the first unreadable objects
	Partial  bool     // the run was interrupted

	before  Position // of the run that this one continues
	run     *Run
	decider *decider // of the page
	found   *aggregate[found]
	reach   [][3]int // of each principal: objects it can read, write, control
}

// The rights in a report.
var reportRights = [3]string{"read", "write", "control"}

// Lengths of the lists on the page.
const (
	maxSamples = 5
	maxListed  = 50
	maxPeople  = 40
	maxErrors  = 20
)

//go:embed report.html
var reportFile embed.FS

//go:embed report.js
var reportScript string

var reportPage = template.Must(template.ParseFS(reportFile, "report.html"))

// The page's data.
type (
	page struct {
		*Report
		Script           template.JS
		ScriptHash       string // by which the page runs this script and no other
		People, Disabled int
		Unknown          int // accounts without a name, listed or not
		Reach            []reachRow
		Risky, Widest    []descriptorRow
		Orphans          []*orphan
		Details          []detail
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
		Behind  bool // folders on the way refuse others
	}
	entryRow struct {
		Number                      int // from 1
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

// listed is a descriptor in a ranking of the page, with its score and the reason.
type listed struct {
	found
	key    string
	number int
	why    string
	score  int
}

// best is a ranking that keeps the descriptors with the highest scores.
type best []*listed

// add considers a descriptor for the ranking. When the list becomes too long, it removes those with the lowest
// scores.
func (b *best) add(l *listed) {
	if *b = append(*b, l); len(*b) >= 8*maxListed {
		b.trim()
	}
}

// trim sorts the list, the highest score first and among equals the earlier object, and keeps maxListed of it.
func (b *best) trim() {
	slices.SortFunc(*b, func(x, y *listed) int {
		return cmp.Or(cmp.Compare(y.score, x.score), cmp.Compare(x.First, y.First))
	})
	*b = (*b)[:min(len(*b), maxListed)]
}

// Write writes the page as one self-contained HTML file to out. Call it once, after Collect: it removes the temporary
// data. It also sets Distinct. It writes nothing if it fails before the page is complete. The best lists are cut to
// their limits. A failed write leaves an incomplete page.
func (r *Report) Write(out io.Writer) error {
	defer r.found.close()
	p := r.page()
	var risky, widest best
	unknown := newAggregate(r.CacheBytes/8, addOrphan, func(o *orphan) int { return 64 + len(o.SID) + len(o.Sample) })
	defer unknown.close()
	err := r.found.each(func(key string, f *found) error {
		r.Distinct++
		if f.Risk > 0 {
			risky.add(&listed{found: *f, key: key, score: f.Risk * f.Objects, why: f.Why})
		}
		if f.Counts[0] > 0 {
			why := fmt.Sprintf("%d of %d can read", f.Counts[0], p.People)
			widest.add(&listed{found: *f, key: key, score: f.Counts[0] * f.Objects, why: why})
		}
		for _, u := range f.Unknown {
			if err := unknown.merge(u.SID, &orphan{u.SID, f.Objects, u.Granted, f.Samples[0], f.First}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if p.Orphans, p.Unknown, err = mostOrphans(unknown); err != nil {
		return err
	}
	risky.trim()
	widest.trim()
	if err := p.list(risky, widest); err != nil {
		return err
	}
	var text bytes.Buffer
	if err := reportPage.Execute(&text, p); err != nil {
		return err
	}
	_, err = io.WriteString(out, printable.Text(text.String()))
	return err
}

// list adds the riskiest and the widest descriptors to the page, and the details of each of them once. It numbers
// them in the order in which they first appeared.
func (p *page) list(risky, widest best) error {
	var all []*listed
	at := map[string]*listed{}
	for _, l := range slices.Concat(risky, widest) {
		if at[l.key] == nil {
			at[l.key] = l
			all = append(all, l)
		}
	}
	slices.SortFunc(all, func(x, y *listed) int { return cmp.Compare(x.First, y.First) })
	for i, l := range all {
		l.number = i + 1
		d, err := p.detail(l)
		if err != nil {
			return err
		}
		p.Details = append(p.Details, d)
	}
	rows := func(list best) (out []descriptorRow) {
		for _, l := range list {
			l.number = at[l.key].number
			out = append(out, l.row(l.why))
		}
		return out
	}
	p.Risky, p.Widest = rows(risky), rows(widest)
	return nil
}

// page returns the data of the page except the lists of descriptors and of unknown accounts.
func (r *Report) page() page {
	return page{Report: r, People: len(r.Directory.Principals), Disabled: r.Directory.Disabled, Reach: r.reachRows(),
		Script: template.JS(reportScript), ScriptHash: hashOf(reportScript)}
}

// hashOf returns the hash of a script for the page's content security policy.
func hashOf(script string) string {
	sum := sha256.Sum256([]byte(script))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// reachRows returns the principals with access to the most objects, at most 200: first by control, then by writing,
// then by reading. They keep the directory's order if they are equal.
func (r *Report) reachRows() (out []reachRow) {
	total := max(r.Objects-r.Unreadable, 1)
	for i, n := range r.reach {
		p := r.Directory.Principals[i]
		out = append(out, reachRow{
			p.Name, n[0], n[1], n[2], 100 * n[0] / total, 100 * n[1] / total, 100 * n[2] / total, p.Token.IsAdmin(),
		})
	}
	slices.SortStableFunc(out, func(a, b reachRow) int {
		return cmp.Or(b.Full-a.Full, b.Write-a.Write, b.Read-a.Read)
	})
	return out[:min(len(out), 4*maxListed)]
}
