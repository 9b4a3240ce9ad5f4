package index

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/server/watch"
)

// TestFilterWithoutRightsIsEmptyList checks that the filter of a user who may read no document has an empty list.
// Without the field a program could leave out the condition, and the user would find every document (N-136).
func TestFilterWithoutRightsIsEmptyList(t *testing.T) {
	w, dir := firmWorker(t, ""), t.TempDir()
	report(t, w, watch.Seen{Path: "/t/plan", Descriptor: sddl.MustParse("O:SYG:SYD:(A;;FR;;;" + alice + ")")})
	log, _, err := OpenLog(dir)
	check.NoError(t, err)
	now := Moment(watch.Now())
	err = errors.Join(log.Write(w.Take()), log.SetWatermark(&Watermark{Index: w.state.start.Index, Seq: w.state.seq,
		Sources: map[string]Moment{"/t": now, directorySource: now}}), log.Close())
	check.NoError(t, err)
	x := check.Must(Open(dir, time.Hour))
	defer x.Close()
	for form, field := range map[Form]string{FormList: "classes", FormNumbers: "numbers"} {
		for who, count := range map[string]int{"carol": 0, "alice": 1} {
			f, err := x.Filter(who, "read", form)
			text, err2 := json.Marshal(f)
			var got map[string]any
			check.NoError(t, errors.Join(err, err2, json.Unmarshal(text, &got)))
			list, present := got[field].([]any)
			check.That(t, present && len(list) == count,
				"N-136: %s of %s: %s, want a list of %d", form, who, text, count)
			for _, other := range []string{"classes", "numbers", "sids", "bitmap"} {
				if _, has := got[other]; has && other != field {
					t.Errorf("%s of %s has %s, too: %s", form, who, other, text)
				}
			}
		}
	}
}

// TestFilterOfTermsHoldsWhileClassesAreAdded checks that a query for terms compares one state of the classes: a class
// that is added during the query is no class that the token does not have (N-20).
func TestFilterOfTermsHoldsWhileClassesAreAdded(t *testing.T) {
	w := firmWorker(t, "")
	x := answering(t, w)
	done := make(chan error, 1)
	go func() {
		var err error
		for i := range 1000 {
			s := watch.Seen{Path: fmt.Sprint("/t/", i), Descriptor: sddl.MustParse(fmt.Sprintf(
				"O:SYG:SYD:(A;;FR;;;%s)(A;;FR;;;S-1-5-21-9-9-9-%d)", alice, i))}
			err = errors.Join(err, w.Batch(&watch.Batch{Tree: "/t", Seen: []watch.Seen{s}}))
		}
		done <- err
	}()
	for running := true; running; {
		select {
		case err := <-done:
			check.NoError(t, err)
			running = false
		default:
		}
		f, err := x.Filter("alice", "read", FormSIDs)
		check.RequireThat(t, err == nil && slices.Contains(f.SIDs, alice) && f.Classes == nil,
			"N-20: a filter of SIDs while classes are added: %+v, %v", f, err)
	}
}
