package index

import (
	"reflect"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/verbs/bulk"
)

// TestQuestions: an index goes on for the question that it was begun for, which its start has, and is refused for each
// other one: other rights, or the same in another order, another share, another policy for folders; a right that is no
// one mask belongs to no index.
func TestQuestions(t *testing.T) {
	ask := func(rights, share string, traverse Traverse) Question {
		t.Helper()
		list, err := bulk.ParseRights(rights)
		if err != nil {
			t.Fatal(err)
		}
		return Question{Rights: list, ShareText: share, Traverse: traverse}
	}
	const share = "O:SYG:SYD:(A;;FA;;;WD)"
	first := ask("read+modify", share, TraversePrivilege)
	w, err := first.Worker(nil)
	if err != nil {
		t.Fatal(err)
	}
	s := w.state
	events := w.Take()
	if len(events) != 1 || events[0].Start == nil || events[0].Seq != 1 || events[0].Start.Index == "" {
		t.Fatalf("an index begins with %+v", events)
	}
	want := StartEvent{Format: 1, Index: events[0].Start.Index, Rights: []string{"read", "modify"}, Share: share,
		Traverse: "privilege"}
	if !reflect.DeepEqual(*events[0].Start, want) {
		t.Errorf("an index begins with %+v, want %+v", *events[0].Start, want)
	}
	for name, c := range map[string]struct {
		q   Question
		why string // "" if it goes on
	}{
		"the same":                  {first, ""},
		"fewer rights":              {ask("read", share, TraversePrivilege), "take another folder"},
		"another order":             {ask("modify+read", share, TraversePrivilege), "take another folder"},
		"another right":             {ask("read+write", share, TraversePrivilege), "take another folder"},
		"another share":             {ask("read+modify", share+"(A;;FA;;;BG)", TraversePrivilege), "take another folder"},
		"no share":                  {ask("read+modify", "", TraversePrivilege), "take another folder"},
		"another policy":            {ask("read+modify", share, TraverseAlways), "take another folder"},
		"no policy":                 {ask("read+modify", share, ""), "take another folder"},
		"never":                     {ask("read+modify", share, TraverseNever), "take another folder"},
		"a policy there is not":     {ask("read+modify", share, "often"), `traverse: "often"`},
		"a right of two masks":      {ask("control", share, TraversePrivilege), "right control: an index has rights"},
		"a right of two beside one": {ask("read+control", share, TraversePrivilege), "right control: an index has rights"},
		"what only a tree has":      {Question{Rights: first.Rights, ShareText: share, Traverse: "Privilege"}, "traverse"},
		"the second right alone":    {ask("modify", share, TraversePrivilege), "take"},
	} {
		w, err := c.q.Worker(s)
		if (err == nil) != (c.why == "") || err != nil && !strings.Contains(err.Error(), c.why) {
			t.Errorf("%s: %v, want %q", name, err, c.why)
		}
		if err == nil && len(w.Take()) != 0 || s.seq != 1 || !reflect.DeepEqual(*s.start, want) {
			t.Errorf("%s: the index is changed", name)
		}
	}
	for _, policy := range []Traverse{"", TraverseNever} { // two words for one policy
		q := ask("read", "", policy)
		w, err := q.Worker(nil)
		if err != nil || w.state.start.Traverse != "" || w.traverse != "" {
			t.Fatalf("%q: %v", policy, err)
		}
		for _, again := range []Traverse{"", TraverseNever} {
			if _, err := ask("read", "", again).Worker(w.state); err != nil {
				t.Errorf("%q goes on as %q: %v", policy, again, err)
			}
		}
	}
}
