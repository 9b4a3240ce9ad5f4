package index_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/test/company"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/internal/verbs/bulk"
	"github.com/refmon/refmon/internal/verbs/bulk/people"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// describe gives a folder a descriptor.
func (l *live) describe(name string, d *sd.Descriptor) {
	l.t.Helper()
	a := ntacl.Attribute{Version: 1, Descriptor: d}
	value, err := a.Append(nil)
	if err != nil {
		l.t.Fatal(err)
	}
	if err := unix.Setxattr(l.path(name), ntacl.Name, value, 0); err != nil {
		l.t.Fatal(err)
	}
}

// behind is a tree of folders in folders with random descriptors.
type behind struct {
	*live
	dir     *people.Directory
	list    []*sd.Descriptor
	folders []string
	of      map[string]*sd.Descriptor // as they were first
}

// descriptor returns that of a file or folder as it was first.
func (b *behind) descriptor(name string) *sd.Descriptor { return b.of[name] }

// newBehind makes 15 folders, each in another, two files in each.
func newBehind(t *testing.T) *behind {
	b := &behind{live: newLive(t, true), of: map[string]*sd.Descriptor{}}
	b.config.Rights, b.config.Traverse = "read+modify", index.TraverseAlways
	s := company.Sample{Seed: randtest.Seed(t), Objects: 120, Descriptors: 80, Principals: 50, Groups: 12}
	var list, rows bytes.Buffer
	err := errors.Join(s.Directory(&list), s.Write(&rows), os.WriteFile(b.config.Directory, list.Bytes(), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	if b.dir, err = people.Read(list.Bytes()); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(rows.String()) {
		var o struct{ SD string }
		if err := json.Unmarshal([]byte(line), &o); err != nil {
			t.Fatal(err)
		}
		d, err := sddl.Parse(o.SD, sddl.Options{Domain: b.dir.Domain})
		if err != nil {
			t.Fatal(err)
		}
		b.list = append(b.list, d)
	}
	for i := range 15 {
		name := fmt.Sprintf("d%d", i)
		if i > 0 {
			name = filepath.Join(b.folders[(i-1)/2], name)
		}
		if err := os.Mkdir(b.path(name), 0o755); err != nil {
			t.Fatal(err)
		}
		b.folders = append(b.folders, name)
		b.of[name] = b.list[i]
		b.describe(name, b.of[name])
		for f := range 2 {
			file := fmt.Sprintf("%s/f%d", name, f)
			b.of[file] = b.list[15+(2*i+f)%80]
			b.store(file, b.of[file])
		}
	}
	return b
}

// equal compares all pairs: one has a right if who-can says so, and says of each folder on
// the way, the root apart, that one may traverse it.
func (b *behind) equal(x *index.Index) {
	b.t.Helper()
	all := whoCan(b.t, b.tree, b.dir, "read+modify+FILE_TRAVERSE")
	yes, hidden := 0, 0
	for path, rights := range all {
		for _, right := range []string{"read", "modify"} {
			for i := range b.dir.Principals {
				who := b.dir.Principals[i].Name
				may := slices.Contains(rights[right], who)
				passes := true
				for dir := filepath.Dir(path); len(dir) > len(b.tree); dir = filepath.Dir(dir) {
					passes = passes && slices.Contains(all[dir]["FILE_TRAVERSE"], who)
				}
				if a := x.CanRead(path, who, right); a.Allowed != (may && passes) || a.Because != "" {
					b.t.Fatalf("%s %s %s: %+v; who-can says %v, and %v for the way", who, right, path, a, may, passes)
				}
				if may && passes {
					yes++
				} else if may {
					hidden++
				}
			}
		}
	}
	if yes < 50 || hidden < 5 {
		b.t.Errorf("%d pairs are allowed, %d only behind folders that one may not pass", yes, hidden)
	}
}

// TestBehind: where the tree tests folders on the way, a document is of those who may pass
// them all (N-15), and another descriptor of a folder is in the answers about all that lies
// below, whose rows are written and no others (N-16).
func TestBehind(t *testing.T) {
	b := newBehind(t)
	b.start()
	b.settle()
	x := b.open(time.Hour)
	b.equal(x)
	r := rand.New(rand.NewPCG(randtest.Seed(t), 15))
	for range 3 {
		folder := b.folders[r.IntN(len(b.folders))]
		before, _ := os.ReadFile(filepath.Join(b.state, "events.jsonl"))
		b.describe(folder, b.list[r.IntN(len(b.list))])
		b.settle()
		b.equal(x)
		after, _ := os.ReadFile(filepath.Join(b.state, "events.jsonl"))
		for line := range strings.Lines(string(after[len(before):])) {
			e, err := index.ParseEvent([]byte(strings.TrimSpace(line)))
			if err != nil {
				t.Fatal(err)
			}
			if e.Row != nil && e.Row.Path != b.path(folder) && !strings.HasPrefix(e.Row.Path, b.path(folder)+"/") {
				t.Errorf("%s changed, and a row of %s was written", folder, e.Row.Path)
			}
		}
	}
	if err := unix.Setxattr(b.path(b.folders[1]), ntacl.Name, []byte("nonsense"), 0); err != nil {
		t.Fatal(err)
	}
	b.settle()
	for i := range b.dir.Principals { // a folder that cannot be read is passed by no one
		if a := x.CanRead(b.path(b.folders[3]+"/f0"), b.dir.Principals[i].Name, "read"); a.Allowed {
			t.Errorf("%s reads behind a folder that cannot be read", b.dir.Principals[i].Name)
		}
	}
	b.end()
	if err := index.Run(t.Context(), index.Config{Trees: []string{b.tree}, Directory: b.config.Directory,
		Rights: "read+modify", State: b.state}); err == nil || !strings.Contains(err.Error(), "traverse") {
		t.Errorf("a run that tests no folders goes on with an index that does: %v", err)
	}
}

// TestBehindNames: a class behind folders is another one than its own, whatever the order and
// the number of equal folders, and holders of the privilege make another one (N-15).
func TestBehindNames(t *testing.T) {
	d, e := sddl.MustParse(forStaff), sddl.MustParse(forCarol)
	right := rightsOf(t, "read")[0]
	own := index.NewClass(d, nil, "read", right.Mask(winnt.FileObject), winnt.FileObject)
	a, b := index.NewPassing(d, false), index.NewPassing(e, false)
	if own.Behind(nil).ID != own.ID {
		t.Error("behind nothing")
	}
	both := own.Behind([]index.Class{a, b}).ID
	if both == own.ID || own.Behind([]index.Class{b, a, b}).ID != both || own.Behind([]index.Class{a}).ID == both {
		t.Error("the names of classes behind folders")
	}
	if index.NewPassing(d, true).ID == a.ID {
		t.Error("holders of the privilege make no difference")
	}
}

// TestHoldersPass: with the privilege policy who holds SeChangeNotifyPrivilege passes each
// folder, who lacks it does not (N-15).
func TestHoldersPass(t *testing.T) {
	const user = "S-1-5-21-1-2-3-1107"
	without := token.StandardUser(sid.MustParse(user))
	without.Privileges, without.EnabledPrivileges, without.DefaultPrivileges = 0, 0, 0
	for _, c := range []struct {
		policy index.Traverse
		spec   token.Spec
		may    bool
	}{
		{index.TraverseNever, without, true}, {index.TraversePrivilege, token.StandardUser(sid.MustParse(user)), true},
		{index.TraversePrivilege, without, false}, {index.TraverseAlways, token.StandardUser(sid.MustParse(user)), false},
	} {
		tok, err := token.New(c.spec)
		if err != nil {
			t.Fatal(err)
		}
		w, err := index.Question{Rights: rightsOf(t, "read"), Traverse: c.policy}.Worker(nil)
		if err != nil {
			t.Fatal(err)
		}
		dir := &people.Directory{}
		dir.Add(people.Principal{Name: "alice", Token: tok})
		if err := w.Directory(dir, "1", 1); err != nil {
			t.Fatal(err)
		}
		all, none := sddl.MustParse("O:SYG:SYD:(A;;FA;;;WD)(A;;FA;;;"+user+")"), sddl.MustParse("O:SYG:SYD:(A;;FA;;;SY)")
		err = w.Batch(&index.Batch{Tree: "/srv", Seen: []index.Seen{{Path: "/srv", Folder: true, Descriptor: none},
			{Path: "/srv/d", Folder: true, Descriptor: none}, {Path: "/srv/d/f", Descriptor: all}}})
		if err != nil {
			t.Fatal(err)
		}
		members := map[string]string{}
		last := ""
		for _, e := range w.Take() {
			if e.Class != nil {
				members[e.Class.ID] = e.Class.Members
			}
			if e.Row != nil {
				last = members[e.Row.Classes[0]]
			}
		}
		if (last == "0") != c.may {
			t.Errorf("%s: members %q", c.policy, last)
		}
	}
	if _, err := (index.Question{Rights: rightsOf(t, "read"), Traverse: "Always"}).Worker(nil); err == nil {
		t.Error("a policy that is unknown is taken")
	}
}

// rightsOf reads rights as the command does.
func rightsOf(t testing.TB, text string) []bulk.Right {
	t.Helper()
	rights, err := bulk.ParseRights(text)
	if err != nil {
		t.Fatal(err)
	}
	return rights
}
