package index

import (
	"errors"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/server/watch"
)

// lastWatermark is a sink that keeps the last watermark.
type lastWatermark struct{ Watermark }

func (*lastWatermark) Write([]Event) error               { return nil }
func (l *lastWatermark) SetWatermark(f *Watermark) error { l.Watermark = *f; return nil }
func (*lastWatermark) Close() error                      { return nil }

// TestWaitingBatchesAreWrittenTogether checks which batches are written while others wait, and that the watermark
// counts the changes without a row of all batches.
func TestWaitingBatchesAreWrittenTogether(t *testing.T) {
	w, s := firmWorker(t, ""), &lastWatermark{}
	r := &running{worker: w, log: &Log{bad: errors.New("not opened")}, sinks: []Sink{s},
		watermark: Watermark{Sources: map[string]Moment{}}}
	for _, c := range []struct {
		events       int
		batch        watch.Batch
		more, writes bool
	}{
		{1, watch.Batch{Heartbeat: watch.Now()}, false, true}, {1, watch.Batch{}, true, false},
		{eventsPerWrite - 1, watch.Batch{}, true, false}, {eventsPerWrite, watch.Batch{}, true, true},
		{1, watch.Batch{Begin: true, End: true}, true, true}, {1, watch.Batch{Heartbeat: watch.Now()}, true, true},
	} {
		w.events = make([]Event, c.events)
		c.batch.Tree, c.batch.Unnameable = "/t", 2
		check.NoError(t, r.batch(&c.batch, c.more))
		check.Equal(t, w.events == nil, c.writes, "%d events, %+v, more %t: written", c.events, c.batch, c.more)
	}
	check.Equal(t, s.Unnameable, 12, "changes without a row")
}

// TestGuardDecidesHowFilesAreRead checks that a tree is read with the attribute and permissions of its share.
func TestGuardDecidesHowFilesAreRead(t *testing.T) {
	o := (&Config{Traverse: TraverseHost, Guard: &Guard{Attribute: "user.acl", IgnoreSystemACLs: true}}).options()
	check.That(t, o.Search && o.Attribute == "user.acl" && o.IgnoreSystemACLs, "%+v", o)
}

// TestGuardAppliesToEachVersion checks that a version counts as the share's configuration changes it, and that an error
// of the configuration ends the run (N-100).
func TestGuardAppliesToEachVersion(t *testing.T) {
	w := check.Must((Question{Rights: check.Must(words.Parse("read")), Guard: "docs"}).Worker(nil))
	r := &running{worker: w, log: &Log{bad: errors.New("not opened")}, sinks: []Sink{&lastWatermark{}},
		watermark: Watermark{Sources: map[string]Moment{}}}
	var failed error
	r.config.Guard = &Guard{Name: "docs", Apply: func(d *directory.Directory) (*directory.Directory, error) {
		return &directory.Directory{Principals: d.Principals[1:]}, failed
	}}
	check.NoError(t, r.version(&Version{People: firm(t), Name: "v1", Heartbeat: watch.Now()}))
	check.That(t, len(w.state.people) == 2 && w.state.people[0].Name == "bob" && w.state.version == "v1",
		"the version %q has %+v, want bob and carol", w.state.version, w.state.people)
	failed = errors.New("a list is too long")
	err := r.version(&Version{People: firm(t), Name: "v2", Heartbeat: watch.Now()})
	check.That(t, errors.Is(err, failed) && strings.HasPrefix(err.Error(), "share docs: ") && w.state.version == "v1",
		"%v, version %q, want the error of share docs and v1", err, w.state.version)
}

// TestRunWithGuardKeepsOwnTokens checks that a run with a share's configuration looks up a person in the directory as
// read, and explains a refusal by the directory with the configuration applied (N-97).
func TestRunWithGuardKeepsOwnTokens(t *testing.T) {
	w := firmWorker(t, "")
	x, d, shared := newLive(w, t.TempDir()), firm(t), firm(t)
	r := &running{worker: w, index: x, log: &Log{bad: errors.New("not opened")}, sinks: []Sink{&lastWatermark{}},
		watermark: Watermark{Sources: map[string]Moment{}}}
	r.config.Guard = &Guard{Apply: func(*directory.Directory) (*directory.Directory, error) { return shared, nil }}
	check.NoError(t, r.version(&Version{People: d, Name: "v2", Heartbeat: watch.Now()}))
	own, err := x.tokenOf("bob")
	check.That(t, err == nil && own == d.Principals[1].Token, "the token of bob: %v, %v, want his own", own, err)
	x.mu.Lock()
	defer x.mu.Unlock()
	p, err := x.asked(Query{Who: "bob"})
	check.That(t, err == nil && p.Token == shared.Principals[1].Token, "%+v, %v, want bob as the share sees him", p, err)
}

// TestDirectoryErrorIsReportedOnce checks that a directory whose reads fail in the same way, every second, passes one
// error to Warn. Another error, and the same one after a successful read, are passed too.
func TestDirectoryErrorIsReportedOnce(t *testing.T) {
	var got []string
	r := &running{worker: firmWorker(t, ""), log: &Log{bad: errors.New("not opened")}, sinks: []Sink{&lastWatermark{}},
		watermark: Watermark{Sources: map[string]Moment{}}}
	r.config.Warn = func(err error) { got = append(got, err.Error()) }
	for _, text := range []string{"line 6", "line 6", "line 6", "line 7", "line 6", "", "line 6", "line 6"} {
		v := Version{Heartbeat: watch.Now()}
		if text != "" {
			v = Version{Err: errors.New(text)}
		}
		check.NoError(t, r.version(&v))
	}
	check.Equal(t, strings.Join(got, ", "), "line 6, line 7, line 6, line 6", "errors")
}
