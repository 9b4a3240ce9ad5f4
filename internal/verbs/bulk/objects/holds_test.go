package objects_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/verbs/bulk/objects"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// TestHolds: a file holds objects as its first one tells; what is no file, or cannot be read, holds none.
func TestHolds(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	const good, bad = `{"path":"/a","sd":"O:BAG:BAD:(A;;FA;;;DU)"}` + "\n", `{"path":"/b","sd":"O:"}` + "\n"
	for name, want := range map[string]bool{
		file("good.jsonl", good): true, file("later.jsonl", good+bad): true, file("long.jsonl",
			good+strings.Repeat(good, 10_000)): true,
		file("bad.jsonl", bad+good): false, file("empty.jsonl", ""): false, file("text.jsonl", "hello\n"): false,
		dir: false, filepath.Join(dir, "none.jsonl"): false,
	} {
		if got := objects.Holds(name); got != want {
			t.Errorf("%s holds objects: %t, want %t", filepath.Base(name), got, want)
		}
	}
}

// TestAllItems: each object with its own descriptor, though others have its path; equal ones are parsed once.
func TestAllItems(t *testing.T) {
	sds := []string{"O:BAG:BAD:(A;;FA;;;DU)", "O:BAG:BAD:(A;;FR;;;WD)", "O:BAG:BA", "O:"}
	var text string
	var want []string
	for i := range 12 {
		path := fmt.Sprintf("/%d", i/4%2)
		text += fmt.Sprintf(`{"path":%q,"sd":%q}`+"\n", path, sds[i%4])
		want = append(want, path+" "+sds[i%4])
	}
	s, err := objects.Open("a.jsonl", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	domain := sid.MustParse("S-1-5-21-1-2-3")
	var items []objects.Item
	if err := objects.All(context.Background(), s, domain, winnt.FileObject, func(i objects.Item) bool {
		items = append(items, i)
		return true
	}); err != nil || len(items) != len(want) {
		t.Fatalf("%d items, %v", len(items), err)
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
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	n := 0
	if s, err = objects.Open("a.jsonl", strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	three := func(objects.Item) bool { n++; return n < 3 }
	if err := objects.All(context.Background(), s, domain, nil, three); err != nil || n != 3 {
		t.Errorf("%d items until false, %v", n, err)
	}
}
