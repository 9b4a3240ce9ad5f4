package hostfs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
)

// repair runs a repair and returns its lines, with paths relative to the tree.
func (w *world) repair(c RepairConfig) (RepairCounts, []string) {
	w.Helper()
	var lines []string
	c.Attribute = w.tree.cfg.Attribute
	c.Each = func(r Repaired) { lines = append(lines, strings.ReplaceAll(r.String(), w.root+"/", "")) }
	counts := check.Must(Repair(context.Background(), c))
	slices.Sort(lines)
	return counts, lines
}

// Repair corrects the descriptors of earlier versions in the whole tree and nowhere else. A dry run writes nothing,
// and a second repair finds nothing to correct (F-202).
func TestRepairCorrectsTree(t *testing.T) {
	w := newWorld(t)
	const old = "O:BAG:SYD:P(A;;FA;;;" + alice + ")(A;;0x1200a9;;;S-1-5-5-0-1001)" +
		"S:(AU;SA;FA;;;WD)(AU;SA;FA;;;S-1-5-5-0-1001)"
	w.dir("d", "O:BAG:SYD:P(A;OICI;GA;;;"+alice+")(A;OICIIO;GA;;;CO)")
	w.file("d/f", "", old)
	w.dir("d/e", "O:BAG:SYD:P(D;OICI;FW;;;S-1-5-5-0-1001)(A;OICI;GR;;;WD)(A;;GX;;;WD)")
	w.file("d/e/fine", "", "O:BAG:SYD:P(A;;FA;;;WD)")
	w.must(os.WriteFile(w.root+`/d/e/with\slash`, nil, 0o600)) // No client of the tree can use this name.
	w.must(setAttribute(w.root+`/d/e/with\slash`, w.tree.cfg.Attribute, w.accepted(old)))
	w.must(os.WriteFile(w.path("bare"), nil, 0o600))
	w.file("owned", "", "O:S-1-5-5-0-7G:SYD:P(A;;FA;;;WD)")
	w.must(os.WriteFile(w.path("broken"), nil, 0o600))
	w.must(setAttribute(w.path("broken"), w.tree.cfg.Attribute, []byte{4, 0, 4, 0}))
	outside := t.TempDir()
	w.must(os.WriteFile(outside+"/f", nil, 0o600))
	w.must(setAttribute(outside+"/f", w.tree.cfg.Attribute, w.accepted(old)))
	w.must(os.Symlink(outside, w.path("way")))
	w.must(os.Mkdir(w.path("mount"), 0o700))
	if err := unix.Mount(outside, w.path("mount"), "", unix.MS_BIND, ""); err == nil { // root can (F-112)
		t.Cleanup(func() { w.must(unix.Unmount(w.path("mount"), 0)) })
	} else {
		w.must(os.Remove(w.path("mount")))
	}
	want := []string{
		"broken: invalid NTACL attribute",
		"d/e/with\\slash: entries for logon sessions: 2, entries with generic rights: 0",
		"d/e: entries for logon sessions: 1, entries with generic rights: 2",
		"d/f: entries for logon sessions: 2, entries with generic rights: 0",
		"d: entries for logon sessions: 0, entries with generic rights: 1",
		"owned: its owner or group is a logon session",
	}
	same := func(got, want []string) bool { return slices.EqualFunc(got, want, strings.HasPrefix) }
	for _, dry := range []bool{true, true, false} {
		counts, lines := w.repair(RepairConfig{Path: w.root, DryRun: dry})
		if !same(lines, want) {
			t.Errorf("F-202: dry run %t: reported\n%s\nwant\n%s", dry, strings.Join(lines, "\n"),
				strings.Join(want, "\n"))
		}
		if wanted := (RepairCounts{Files: 10, Sessions: 3, Generic: 2, Failed: 2, Missing: 1}); counts != wanted {
			t.Errorf("F-202: dry run %t: counts %+v, want %+v", dry, counts, wanted)
		}
	}
	for name, text := range map[string]string{
		"d":               "O:BAG:SYD:P(A;OICI;FA;;;" + alice + ")(A;OICIIO;GA;;;CO)",
		"d/f":             "O:BAG:SYD:P(A;;FA;;;" + alice + ")S:(AU;SA;FA;;;WD)",
		"d/e":             "O:BAG:SYD:P(A;OICI;FR;;;WD)(A;;FX;;;WD)",
		"d/e/with\\slash": "O:BAG:SYD:P(A;;FA;;;" + alice + ")S:(AU;SA;FA;;;WD)",
		"d/e/fine":        "O:BAG:SYD:P(A;;FA;;;WD)",
	} {
		b := check.Must(attribute(w.root+"/"+name, w.tree.cfg.Attribute))
		a := check.Must(ntacl.Decode(b))
		if !a.Descriptor.Equal(sddl.MustParse(text)) || a.Version != 3 {
			t.Errorf("F-202: %s after the repair: version %d, %s; want version 3, %s", name, a.Version,
				formatted(a.Descriptor), text)
		}
	}
	if counts, lines := w.repair(RepairConfig{Path: w.root}); counts.Sessions+counts.Generic != 0 || len(lines) != 2 {
		t.Errorf("F-202: second repair: %+v, %q, want no corrections and the 2 failures", counts, lines)
	}
	if b, err := attribute(outside+"/f", w.tree.cfg.Attribute); err != nil || string(b) != string(w.accepted(old)) {
		t.Errorf("F-202: a file outside of the tree, reached through a link or a mount, was changed: %v", err)
	}
}

// An attribute that servers reject, because the permissions were changed, is still rejected after a repair. An
// accepted one is still accepted (F-202).
func TestRepairKeepsVerdicts(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"believed", "belied"} {
		w.must(os.WriteFile(w.path(name), nil, 0o640))
		var s unix.Stat_t
		w.must(unix.Stat(w.path(name), &s))
		a := ntacl.Attribute{Version: 4, Descriptor: sddl.MustParse("O:BAG:SYD:P(A;;GR;;;WD)(A;;FA;;;S-1-5-5-0-1)")}
		w.must(a.Seal(ntacl.Info{Mode: s.Mode & 0o7777, UID: s.Uid, GID: s.Gid}, nil, nil))
		value := check.Must(a.Append(nil))
		w.must(setAttribute(w.path(name), w.tree.cfg.Attribute, value))
	}
	w.must(os.Chmod(w.path("belied"), 0o600))
	if counts, _ := w.repair(RepairConfig{Path: w.root}); counts.Sessions != 2 || counts.Failed != 0 {
		t.Errorf("repair counts %+v, want 2 sessions and no failures", counts)
	}
	for name, want := range map[string]ntacl.Verdict{"believed": ntacl.Intact, "belied": ntacl.Stale} {
		var s unix.Stat_t
		w.must(unix.Stat(w.path(name), &s))
		a := w.readBack(name)
		check.Equal(t, a.Verify(ntacl.Info{Mode: s.Mode & 0o7777, UID: s.Uid, GID: s.Gid}, nil, nil), want,
			"F-202: Verify of %s after the repair", name)
		if !a.Descriptor.Equal(sddl.MustParse("O:BAG:SYD:P(A;;FR;;;WD)")) {
			t.Errorf("F-202: descriptor of %s after the repair: %s, want the corrected one", name,
				formatted(a.Descriptor))
		}
	}
}

// A limit stops the repair, which reports that. Unreadable files do not. A cancelled context stops it too. A missing
// path is an error (F-202).
func TestRepairStopsAtLimitOrCancel(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"a", "b", "c", "d"} {
		w.must(os.WriteFile(w.path(name), nil, 0o600))
	}
	if counts, _ := w.repair(RepairConfig{Path: w.root, Most: 3}); counts.Files != 3 || !counts.Cut {
		t.Errorf("F-202: repair of at most 3 of 5 files: %+v, want 3 and cut", counts)
	}
	way := t.TempDir() + "/way"
	w.must(os.Symlink(w.root, way))
	if counts, _ := w.repair(RepairConfig{Path: way, Most: 5}); counts.Files != 5 || counts.Cut {
		t.Errorf("F-202: repair of at most 5 of 5 files: %+v, want 5 and not cut", counts)
	}
	// An unreadable file counts as a failure, and the run continues.
	d := check.Must(unix.Open(w.root, unix.O_PATH, 0))
	defer shut(d)
	f := check.Must(unix.Open(w.path("a"), unix.O_PATH, 0))
	defer shut(f)
	for what, visit := range map[string]func(*repair) error{
		"no file":           func(r *repair) error { return r.visit(-1, "", 0) },
		"no directory":      func(r *repair) error { return r.entry(f, "x", "", 0) },
		"no attribute":      func(r *repair) error { r.file(-1, "", false); return nil },
		"no room":           func(r *repair) error { r.report(Repaired{Stale: true, Err: errKept}); return nil },
		"too deep":          func(r *repair) error { return r.visit(d, "", maxDepth) },
		"a missing name":    func(r *repair) error { return r.entry(d, "none", "", 0) },
		"almost too deep":   func(r *repair) error { return r.visit(d, "", maxDepth-1) },
		"a file at the end": func(r *repair) error { return r.visit(f, "", maxDepth) },
	} {
		r := &repair{RepairConfig: RepairConfig{Attribute: "user.none"}, ctx: context.Background()}
		err, failed := visit(r), int64(0)
		if strings.HasPrefix(what, "no ") || what == "too deep" {
			failed = 1
		}
		check.That(t, err == nil && r.counts == (RepairCounts{Files: r.counts.Files, Failed: failed,
			Missing: r.counts.Missing}),
			"F-202: repair of %s: %+v, %v; want %d failures, no error", what, r.counts, err, failed)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Repair(ctx, RepairConfig{Path: w.root}); !errors.Is(err, context.Canceled) {
		t.Errorf("F-202: repair with a cancelled context: %v, want %v", err, context.Canceled)
	}
	for _, name := range []string{"a", "b", "c", "d"} { // each is reported, and the first report ends the run
		w.must(setAttribute(w.path(name), w.tree.cfg.Attribute, []byte{4, 0, 4, 0}))
	}
	ctx, cancel = context.WithCancel(context.Background())
	counts, err := Repair(ctx, RepairConfig{Path: w.root, Attribute: w.tree.cfg.Attribute,
		Each: func(Repaired) { cancel() }})
	check.That(t, errors.Is(err, context.Canceled) && counts.Files == 2 && counts.Failed == 1,
		"F-202: repair that ends after one report: %+v, %v", counts, err)
	if _, err := Repair(context.Background(), RepairConfig{Path: w.root + "/none"}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("F-202: repair of a missing path: %v, want %v", err, os.ErrNotExist)
	}
}

// A chmod outside of the tree invalidates a descriptor, which is reported with path and cause. A repair with Rehash
// makes it valid again and changes nothing else. Without Rehash it is only reported (F-204, F-205).
func TestRehashRepairsAfterChmod(t *testing.T) {
	w := newWorld(t)
	const text = "O:BAG:SYD:P(A;;FA;;;WD)"
	var reports []string
	w.tree.cfg.Unbelieved = func(path string, cause error) { reports = append(reports, path+": "+cause.Error()) }
	for _, name := range []string{"f", "fine", "broken"} {
		w.must(os.WriteFile(w.path(name), nil, 0o600))
	}
	sealed := func(name string) {
		t.Helper()
		fd := check.Must(unix.Open(w.path(name), unix.O_PATH, 0))
		defer shut(fd)
		s := check.Must(stat(fd))
		w.must(w.tree.write(fd, &s, &ntacl.Attribute{Version: 4, Descriptor: sddl.MustParse(text)}))
	}
	sealed("f")
	sealed("fine")
	w.must(setAttribute(w.path("broken"), w.tree.cfg.Attribute, []byte{4, 0, 4, 0}))
	verdict := func(name string) ntacl.Verdict {
		t.Helper()
		fd := check.Must(unix.Open(w.path(name), unix.O_PATH, 0))
		defer shut(fd)
		s := check.Must(stat(fd))
		k := check.Must(w.tree.known(held{fd: fd}, &s, sid.SID{}))
		return k.verdict
	}
	if v := verdict("f"); v != ntacl.Intact || len(reports) != 0 {
		t.Fatalf("F-204: unchanged attribute: verdict %v, reports %q; want %v and none", v, reports, ntacl.Intact)
	}
	w.must(os.Chmod(w.path("f"), 0o640))
	verdict("broken")
	if v := verdict("f"); v != ntacl.Stale || len(reports) != 2 || !strings.HasPrefix(reports[0], w.path("broken")+": ") ||
		!strings.HasPrefix(reports[1], w.path("f")+": mode, owner or POSIX ACL were changed") {
		t.Errorf("F-204: attribute after a chmod: verdict %v, reports %q; want %v and one for each invalid file", v,
			reports, ntacl.Stale)
	}
	for name, want := range map[string]bool{"f": true, "broken": true, "fine": false, "none": false} {
		p := check.Result(w.tree.Find(&fileaccess.Request{Name: name, Subject: w.subject(bob)}, nil)).(*place)
		check.Equal(t, p.Cause() != nil, want, "F-204: the attribute of %s is invalid", name)
		p.Release()
	}
	for _, c := range []struct {
		config RepairConfig
		stale  int64
		want   ntacl.Verdict
	}{{RepairConfig{}, 1, ntacl.Stale}, {RepairConfig{Rehash: true, DryRun: true}, 1, ntacl.Stale},
		{RepairConfig{IgnorePosix: true, Rehash: true}, 0, ntacl.Stale}, {RepairConfig{Rehash: true}, 1, ntacl.Intact},
		{RepairConfig{Rehash: true}, 0, ntacl.Intact}} {
		c.config.Path = w.path("f")
		counts, lines := w.repair(c.config)
		if v := verdict("f"); counts.Stale != c.stale || v != c.want || int64(len(lines)) != c.stale {
			t.Errorf("F-205: repair with %+v: %+v, %q, then verdict %v; want %d stale, %v", c.config, counts, lines,
				v, c.stale, c.want)
		}
	}
	// A long ACL is read by the descriptor's number below /proc/self/fd, which AT_FDCWD does not have. Without the ACL
	// nothing is sealed.
	var users strings.Builder
	for id := range 150 {
		fmt.Fprintf(&users, "user %d r--,", id)
	}
	t.Chdir(w.root)
	w.must(os.Mkdir(w.path("d"), 0o700))
	if unix.Setxattr(".", aclAccess, posixACL(t, users.String()+"mask r--"), 0) == nil {
		w.must(unix.Setxattr("d", aclAccess, posixACL(t, "user 1 r--,mask r--"), 0))
		w.must(unix.Setxattr("d", aclDefault, posixACL(t, "user 2 rw-,mask rw-"), 0))
		sealed("d")
		for _, want := range []int64{0, 1, 0} {
			counts, _ := w.repair(RepairConfig{Path: w.path("d"), Rehash: true})
			check.Equal(t, counts, RepairCounts{Files: 1, Stale: want}, "F-205: repair of a directory with both ACLs")
			w.must(os.Chmod(w.path("d"), 0o750))
		}
		for range 2 { // the access ACL, then the default one
			seal, err := new(repair).stale(unix.AT_FDCWD, &ntacl.Attribute{Version: 4, What: "posix_acl"})
			check.That(t, seal == nil && errors.Is(err, unix.ENOENT),
				"F-205: an unreadable ACL: a hash: %t, %v, want none and %v", seal != nil, err, unix.ENOENT)
			w.must(unix.Setxattr(".", aclDefault, posixACL(t, users.String()+"mask r--"), 0))
			w.must(unix.Setxattr(".", aclAccess, posixACL(t, "user 1 r--,mask r--"), 0))
		}
	}
	value := check.Must(attribute(w.path("f"), w.tree.cfg.Attribute))
	a := check.Must(ntacl.Decode(value))
	check.That(t, a.Descriptor.Equal(sddl.MustParse(text)),
		"F-205: descriptor after the repair: %v, want it unchanged", a.Descriptor)
	// What another program has written since the file was read stays.
	r := repair{RepairConfig: RepairConfig{Attribute: w.tree.cfg.Attribute}}
	err := r.store(w.path("f"), "older", &ntacl.Attribute{Version: 3, Descriptor: sddl.MustParse(narrow)})
	check.Equal(t, Repaired{Path: "f", Stale: true, Err: err}.String(), "f: "+errKept.Error(), "F-205: report")
	check.Equal(t, string(check.Must(attribute(w.path("f"), w.tree.cfg.Attribute))), string(value), "F-205: attribute")
}
