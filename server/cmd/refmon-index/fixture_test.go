package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/internal/test/truth"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/server/index"
)

// teams is the number of groups of an oracle.
const teams = 5

// oracle changes documents and people, each belonging to one team, and has the expected result
// for each time.
type oracle struct {
	t      *testing.T
	folder string
	state  string // of the queried index

	known *truth.Known
}

// newOracle creates documents and people, as many as the environment sets for `make soak`.
func newOracle(t *testing.T, folder, state string) *oracle {
	o := &oracle{t: t, folder: folder, state: state,
		known: truth.New(randtest.Count(t, "REFMON_CLUSTER_FILES", 300), randtest.Count(t, "REFMON_CLUSTER_PEOPLE", 30))}
	for i := range 20 {
		check.NoError(t, os.MkdirAll(filepath.Dir(o.path(i)), 0o755))
	}
	for i := range o.known.Documents() {
		o.grant(i, i%teams)
	}
	for i := range o.known.People() {
		o.known.Move(i, i%teams, func() {})
	}
	return o
}

func (o *oracle) path(i int) string {
	return filepath.Join(o.folder, fmt.Sprintf("o%d", i%20), fmt.Sprint("f", i))
}

// grant gives a document to a team, revokes it, or recreates the document.
func (o *oracle) grant(i, team int) {
	o.known.Grant(i, team, func() {
		if team < 0 {
			if err := os.Remove(o.path(i)); err != nil && !os.IsNotExist(err) {
				o.t.Fatal(err)
			}
			return
		}
		a := ntacl.Attribute{Version: 1,
			Descriptor: sddl.MustParse(fmt.Sprintf("O:SYG:SYD:(A;;FR;;;S-1-5-21-1-2-3-%d)", 3000+team))}
		value, err := a.Append(nil)
		check.NoError(o.t, err)
		f, err := os.OpenFile(o.path(i), os.O_CREATE|os.O_WRONLY, 0o600)
		check.NoError(o.t, err)
		f.Close()
		if err := unix.Setxattr(o.path(i), ntacl.Name, value, 0); err != nil {
			o.t.Skipf("%s cannot be set here: %v", ntacl.Name, err)
		}
	})
}

// change makes one change at random; write writes the directory file.
func (o *oracle) change(r *rand.Rand, write func()) {
	switch r.IntN(12) {
	case 0:
		o.known.Move(r.IntN(o.known.People()), r.IntN(teams), write)
	case 1:
		o.grant(r.IntN(o.known.Documents()), -1)
	default:
		o.grant(r.IntN(o.known.Documents()), r.IntN(teams))
	}
}

// users and groups are the lines of the directory file.
func (o *oracle) users() string {
	var b strings.Builder
	for i := range o.known.People() {
		fmt.Fprintf(&b, "- {name: p%d, sid: S-1-5-21-1-2-3-%d, memberOf: [t%d]}\n", i, 10000+i, o.known.Team(i))
	}
	return b.String()
}

func (o *oracle) groups() string {
	var b strings.Builder
	for i := range teams {
		fmt.Fprintf(&b, "- {name: t%d, sid: S-1-5-21-1-2-3-%d}\n", i, 3000+i)
	}
	return b.String()
}

// startQueries queries random pairs in the background until the caller calls end.
func (o *oracle) startQueries(seed uint64) (end func()) {
	stop, done := make(chan struct{}), make(chan struct{})
	x := check.Must(index.Open(o.state, limit))
	r := rand.New(rand.NewPCG(seed, 24))
	go func() {
		defer close(done)
		defer x.Close()
		for {
			select {
			case <-stop:
				return
			case <-time.After(5 * time.Millisecond): // yields the processors to the stages
				o.queryPair(x, r)
			}
		}
	}()
	return func() {
		close(stop)
		<-done
	}
}

// queryPair queries a random pair and compares the result with the expected ones.
func (o *oracle) queryPair(x *index.Index, r *rand.Rand) {
	i, p := r.IntN(o.known.Documents()), r.IntN(o.known.People())
	before := time.Now()
	a := x.CanRead("//files1"+o.path(i), fmt.Sprint("p", p), "read")
	if wrong := o.known.Judge(i, p, before, time.Now(), limit, a.Allowed, a.Because); wrong != "" {
		o.t.Errorf("%s p%d: %+v; %s, want \"\"\n%s", o.path(i), p, a, wrong, o.loggedEvents(o.path(i)))
	}
}

// loggedEvents returns a document's events in the index's log, and the watermark.
func (o *oracle) loggedEvents(path string) string {
	var out strings.Builder
	log, err := os.ReadFile(filepath.Join(o.state, "events.jsonl"))
	for line := range strings.Lines(string(log)) {
		if strings.Contains(line, path+`"`) {
			out.WriteString(line)
		}
	}
	fence, err2 := os.ReadFile(filepath.Join(o.state, "fence.json"))
	fmt.Fprintf(&out, "%s %v", fence, errors.Join(err, err2))
	return out.String()
}
