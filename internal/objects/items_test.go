package objects_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/objects/source"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// TestFindPassesErrorsOfOtherObjects: the object of a path is found, also behind errors of others; one that
// cannot be read is its error, and a reading that is stopped or cancelled ends.
func TestFindPassesErrorsOfOtherObjects(t *testing.T) {
	const file = `{"path":"bad","sd":"x"}` + "\n" + `{"path":"a","sd":"D:"}` + "\n" + `{"path":"a",` +
		`"sd":"O:BA"}` + "\n"
	open := func() objects.Source {
		s, err := source.Open("x.jsonl", strings.NewReader(file))
		check.NoError(t, err)
		return s
	}
	ctx := context.Background()
	find := func(path string) (objects.Item, error) {
		return objects.Find(ctx, open(), objects.NewName(path, nil), sid.SID{}, winnt.FileObject)
	}
	if i, err := find("a"); err != nil || !i.Descriptor.Owner().IsZero() || i.Type != winnt.FileObject {
		t.Errorf("a: %+v, %v", i, err)
	}
	if _, err := find("bad"); err == nil || errors.Is(err, objects.ErrNotFound) {
		t.Errorf("bad: %v", err)
	}
	if _, err := find("none"); !errors.Is(err, objects.ErrNotFound) || !strings.Contains(err.Error(), `"none"`) {
		t.Errorf("none: %v", err)
	}
	n := 0
	if err := objects.All(ctx, open(), sid.SID{}, winnt.FileObject,
		func(objects.Item) bool { n++; return n < 2 }); err != nil || n != 2 {
		t.Errorf("stopped after 2: %d, %v, want 2, nil", n, err)
	}
	over, cancel := context.WithCancel(ctx)
	cancel()
	if err := objects.All(over, open(), sid.SID{}, winnt.FileObject,
		func(objects.Item) bool { n++; return true }); !errors.Is(err, context.Canceled) || n != 2 {
		t.Errorf("cancelled: %d, %v, want 2, %v", n, err, context.Canceled)
	}
	failed := fmt.Errorf("enough")
	n = 0
	if err := objects.Each(ctx, open(), func(*objects.Batch,
		*objects.Object) error {
		n++
		return failed
	}); err != failed || n != 1 {
		t.Errorf("a visit that fails: %d, %v, want 1, %v", n, err, failed)
	}
}

// An object with the name of the path in full is found, though others have the name as accounts. A note of the source
// stays.
func TestPathPrecedesAccountNames(t *testing.T) {
	ctx := context.Background()
	list := []objects.Object{{Path: []byte("CN=1"), Entry: &objects.Entry{Name: "x"}},
		{Path: []byte("CN=2"), Entry: &objects.Entry{Name: "x"}}, {Path: []byte("x"), Note: objects.NoteStale}}
	for i := range list {
		list[i].SD, list[i].Form = []byte("O:BA"), objects.FormSDDL
	}
	find := func(n int) (objects.Item, error) {
		at := 0
		return objects.Find(ctx, gathered(func(o *objects.Object) error {
			if at == n {
				return io.EOF
			}
			*o = list[at]
			at++
			return nil
		}), objects.NewName("x", nil), sid.SID{}, winnt.FileObject)
	}
	i, err := find(3)
	check.That(t, err == nil && i.Path == "x" && i.Note == objects.NoteStale, "x: %+v, %v", i, err)
	_, err = find(2)
	check.That(t, errors.Is(err, objects.ErrAmbiguous), "two accounts: %v, want %v", err, objects.ErrAmbiguous)
}

// gathered is a source of the objects that the function returns.
type gathered func(o *objects.Object) error

func (f gathered) Next(b *objects.Batch) error { return objects.Gather(b, f) }

// A batch that stops says where: the lines before the object, and the bytes without the rest.
func TestStoppedBatchSaysWhere(t *testing.T) {
	var stopped atomic.Bool
	b := objects.Batch{First: 10, Lines: 9, End: 100, Stopped: &stopped}
	check.That(t, !b.Stop(12, 30) && !b.Cut, "a batch stops before it is told")
	stopped.Store(true)
	check.That(t, b.Stop(12, 30) && b.Cut && b.Lines == 2 && b.End == 70,
		"stopped: %t, %d lines, %d bytes, want 2 and 70", b.Cut, b.Lines, b.End)
}

// Each object with its own descriptor, though others have its path; equal ones are parsed once.
func TestItemsKeepDescriptorsOfEqualPaths(t *testing.T) {
	sds := []string{"O:BAG:BAD:(A;;FA;;;DU)", "O:BAG:BAD:(A;;FR;;;WD)", "O:BAG:BA", "O:"}
	var text string
	var want []string
	for i := range 12 {
		path := fmt.Sprintf("/%d", i/4%2)
		text += fmt.Sprintf(`{"path":%q,"sd":%q}`+"\n", path, sds[i%4])
		want = append(want, path+" "+sds[i%4])
	}
	s, err := source.Open("a.jsonl", strings.NewReader(text))
	check.NoError(t, err)
	domain := sid.MustParse("S-1-5-21-1-2-3")
	var items []objects.Item
	if err := objects.All(context.Background(), s, domain, winnt.FileObject, func(i objects.Item) bool {
		items = append(items, i)
		return true
	}); err != nil || len(items) != len(want) {
		t.Fatalf("%d items, %v, want %d, nil", len(items), err, len(want))
	}
	var got []string
	for i, item := range items {
		said := "O:"
		if item.Err == nil {
			if said, err = sddl.Format(item.Descriptor, sddl.Options{Domain: domain}); err != nil {
				t.Fatal(err)
			}
		}
		got = append(got, item.Path+" "+said)
		if item.Descriptor != items[i%4].Descriptor || (item.Err == nil) != (i%4 != 3) || item.Type != winnt.FileObject ||
			(item.Note == objects.NoteNoDACL) != (i%4 == 2) {
			t.Errorf("item %d: %+v, want the descriptor of item %d", i, item, i%4)
		}
	}
	check.That(t, slices.Equal(got, want), "got  %q\nwant %q", got, want)
	n := 0
	if s, err = source.Open("a.jsonl", strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	three := func(objects.Item) bool { n++; return n < 3 }
	if err := objects.All(context.Background(), s, domain, nil, three); err != nil || n != 3 {
		t.Errorf("%d items until false, %v, want 3, nil", n, err)
	}
}
