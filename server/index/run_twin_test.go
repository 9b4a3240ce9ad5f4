package index_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/internal/test/truth"
	"github.com/refmon/refmon/server/index"
)

// teams is the number of groups of an oracle.
const teams = 7

// oracle changes documents and people, and has the expected result for each time.
type oracle struct {
	*live
	files, people int
	limit         time.Duration

	known *truth.Known
}

func (o *oracle) name(i int) string { return fmt.Sprintf("d%d/f%d", i%50, i) }

// grant gives a document to a team, revokes it, or recreates the document.
func (o *oracle) grant(i, team int) {
	o.known.Grant(i, team, func() {
		if team >= 0 {
			o.put(o.name(i), fmt.Sprintf("O:SYG:SYD:(A;;FR;;;S-1-5-21-1-2-3-%d)", 2000+team))
		} else if err := os.Remove(o.path(o.name(i))); err != nil && !errors.Is(err, os.ErrNotExist) {
			o.t.Error(err)
		}
	})
}

// move puts a person into another team.
func (o *oracle) move(i, team int) { o.known.Move(i, team, o.write) }

// write writes the directory file, by a rename.
func (o *oracle) write() {
	var b strings.Builder
	fmt.Fprintf(&b, "domain: S-1-5-21-1-2-3\nusers:\n")
	for i := range o.people {
		fmt.Fprintf(&b, "- {name: p%d, sid: S-1-5-21-1-2-3-%d, memberOf: [t%d]}\n", i, 10000+i, o.known.Team(i))
	}
	b.WriteString("groups:\n")
	for i := range teams {
		fmt.Fprintf(&b, "- {name: t%d, sid: S-1-5-21-1-2-3-%d}\n", i, 2000+i)
	}
	err := os.WriteFile(o.config.Directory+".new", []byte(b.String()), 0o600)
	if err = errors.Join(err, os.Rename(o.config.Directory+".new", o.config.Directory)); err != nil {
		o.t.Error(err)
	}
}

// ask queries a random pair and compares the result with the expected ones.
func (o *oracle) ask(x *index.Index, r *rand.Rand) {
	i, p := r.IntN(o.files), r.IntN(o.people)
	before := time.Now()
	a := x.CanRead(o.path(o.name(i)), fmt.Sprintf("p%d", p), "read")
	if wrong := o.known.Judge(i, p, before, time.Now(), o.limit, a.Allowed, a.Because); wrong != "" {
		o.t.Errorf(`%s p%d: %+v; %s, want ""`, o.name(i), p, a, wrong)
	}
}

// TestAnswersStayRightAcrossKills kills and stops runs at random moments while files and memberships change. Each
// answer must have been right at some moment within the time limit. In the end each row and each person's answers equal
// those of who-can (N-7, N-9). REFMON_INDEX_FILES, REFMON_INDEX_PEOPLE, REFMON_INDEX_CHANGES and REFMON_KILLS set its
// size.
func TestAnswersStayRightAcrossKills(t *testing.T) {
	o := &oracle{live: newLive(t, false), files: randtest.Count(t, "REFMON_INDEX_FILES", 300),
		people: randtest.Count(t, "REFMON_INDEX_PEOPLE", 40), limit: 1500 * time.Millisecond}
	changes := max(30, randtest.Count(t, "REFMON_INDEX_CHANGES", 200))
	kills := max(3, randtest.Count(t, "REFMON_KILLS", 3)) // one before an answer, one after, one stopped
	r := rand.New(rand.NewPCG(randtest.Seed(t), 24))
	o.known = truth.New(o.files, o.people)
	for i := range 50 {
		check.NoError(t, os.MkdirAll(o.path(fmt.Sprintf("d%d", i)), 0o755))
	}
	for i := range o.files {
		o.grant(i, r.IntN(teams))
	}
	for i := range o.people {
		o.known.Move(i, r.IntN(teams), func() {})
	}
	o.write()
	for n := range kills {
		cmd := o.child()
		x := o.open(o.limit)
		asking, stop := make(chan struct{}), make(chan struct{})
		go func(r *rand.Rand) {
			defer close(asking)
			for {
				select {
				case <-stop:
					return
				default:
					o.ask(x, r)
				}
			}
		}(rand.New(rand.NewPCG(uint64(n), r.Uint64())))
		o.change(r, changes/kills/2)
		if n%2 == 1 { // a stopped run gives no answers after the limit
			o.signal(cmd.Process, syscall.SIGSTOP)
			o.awaitExpiry(x)
			o.change(r, changes/kills/4)
			o.signal(cmd.Process, syscall.SIGCONT)
		}
		o.change(r, changes/kills/2)
		if n != 1 { // kill a run that may not have answered yet
			o.awaitQueries()
		}
		o.signal(cmd.Process, syscall.SIGKILL)
		_ = cmd.Wait()
		o.change(r, 5) // changes while nothing runs
		close(stop)
		<-asking
	}
	o.child()
	o.compareAll(r)
	n := o.known.Answered()
	check.That(t, n.Yes >= 100 && n.No >= 100, "%d right answers were yes and %d no, want at least 100 of each", n.Yes,
		n.No)
	t.Logf("%d files, %d people: %+v", o.files, o.people, n)
}

// awaitQueries waits for some more answers.
func (o *oracle) awaitQueries() {
	count := func() int {
		n := o.known.Answered()
		return min(n.Yes, n.No)
	}
	for want := count() + 50; count() < want && !o.t.Failed(); {
		time.Sleep(time.Millisecond)
	}
}

func (o *oracle) signal(p *os.Process, s syscall.Signal) {
	o.t.Helper()
	check.NoError(o.t, p.Signal(s))
}

// awaitExpiry waits until queries fail.
func (o *oracle) awaitExpiry(x *index.Index) {
	o.t.Helper()
	check.Eventually(o.t, func() bool {
		return strings.Contains(x.CanRead(o.tree, "p0", "read").Because, "no heartbeat")
	}, "queries still succeed")
}

// change makes changes.
func (o *oracle) change(r *rand.Rand, n int) {
	for range n {
		switch r.IntN(20) {
		case 0:
			o.move(r.IntN(o.people), r.IntN(teams))
		case 1, 2:
			o.grant(r.IntN(o.files), -1)
		default:
			o.grant(r.IntN(o.files), r.IntN(teams))
		}
	}
}

// compareAll compares all documents with who-can.
func (o *oracle) compareAll(r *rand.Rand) {
	o.t.Helper()
	dir := check.Must(dirfile.Read(check.Must(os.ReadFile(o.config.Directory))))
	x := o.open(time.Minute)
	present := time.Now()
	check.Eventually(o.t, func() bool {
		f, err := x.Filter("p0", "read", index.FormList)
		return err == nil && f.Time.After(present)
	}, "the index does not know all changes up to now")
	all := check.Must(truth.WhoCan(o.tree, dir, "read"))
	for path, rights := range all {
		for range 3 {
			who := fmt.Sprintf("p%d", r.IntN(o.people))
			if a := x.CanRead(path, who, "read"); a.Allowed != slices.Contains(rights["read"], who) || a.Because != "" {
				o.t.Fatalf("%s %s: the index answers %+v, who-can lists %v", who, path, a, rights["read"])
			}
		}
	}
	if got := documents(o.t, o.state); got != len(all) {
		o.t.Errorf("%d rows for %d documents, want %d", got, len(all), len(all))
	}
}
