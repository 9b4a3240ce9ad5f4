package hostfs

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// TestScans: how a listing begins, goes on and ends, again and again on one open (F-120).
func TestScans(t *testing.T) {
	w := shaped(t)
	f := w.opened("", fileaccess.Request{}, winnt.FILE_READ_DATA)
	small := w.opened("small", fileaccess.Request{}, winnt.FILE_READ_DATA)
	longest := string(make([]byte, 255))
	hidden := func(d *sd.Descriptor) bool { return formatted(d) == hers }
	for i, c := range []struct {
		of      *file
		pattern string
		restart bool
		most    int
		see     func(*sd.Descriptor) bool
		names   int
		st      ntstatus.Status
	}{
		{small, "", true, 9, nil, 0, ntstatus.InvalidParameter}, {small, "", false, 9, nil, 0, ntstatus.InvalidParameter},
		{f, "none", false, 9, nil, 0, ntstatus.NoSuchFile},  // the first call begins
		{f, "hole", false, 9, nil, 0, ntstatus.NoSuchFile},  // and its pattern stays
		{f, "hole", true, 9, nil, 1, 0},                     // until the next begins
		{f, "none", false, 9, nil, 0, ntstatus.NoMoreFiles}, // which told something
		{f, "none", true, 9, nil, 0, ntstatus.NoSuchFile},   // and this did not
		{f, "?l*", true, 9, nil, 0, ntstatus.NoSuchFile},    //
		{f, "*l*", true, 1, nil, 1, 0},                      //
		{f, "*l*", false, 1, nil, 1, 0},                     //
		{f, "*l*", false, 1, nil, 0, ntstatus.NoMoreFiles},  //
		{f, "*l*", true, 2, nil, 2, 0}, {f, "", true, 9, hidden, 3, 0},
		{f, "", false, 9, nil, 0, ntstatus.NoMoreFiles}, {f, "*.*", true, 9, nil, 5, 0}, {f, "*", true, 9, nil, 5, 0},
		{f, longest, true, 9, nil, 0, ntstatus.NoSuchFile}, {f, longest + "x", true, 9, nil, 0, ntstatus.ObjectNameInvalid},
		{f, `a\b`, true, 9, nil, 0, ntstatus.ObjectNameInvalid}, {f, "a:b", true, 9, nil, 0, ntstatus.ObjectNameInvalid},
		{f, "a<", true, 9, nil, 0, ntstatus.ObjectNameInvalid}, {f, "a>", true, 9, nil, 0, ntstatus.ObjectNameInvalid},
		{f, `a"`, true, 9, nil, 0, ntstatus.ObjectNameInvalid}, {f, "a|", true, 9, nil, 0, ntstatus.ObjectNameInvalid},
	} {
		list, st := c.of.List(c.pattern, c.restart, c.most, c.see)
		if len(list) != c.names || st != c.st {
			t.Errorf("F-120: %d: %.20q: %d names, %v, want %d, %v", i, c.pattern, len(list), st, c.names, c.st)
		}
	}
}

// TestMatches: * stands for any text, ? for one character of whatever length, and case does not count (F-120).
func TestMatches(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"", "x", true}, {"*", "x", true}, {"*.*", "x", true}, {"*.**", "x", false}, {"x", "x", true}, {"x", "X", true},
		{"X", "x", true}, {"x", "xx", false}, {"xx", "x", false}, {"?", "x", true}, {"?", "é", true}, {"?", "", false},
		{"??", "é", false}, {"É", "é", true}, {"ς", "Σ", true}, {"σ", "ς", true}, {"a*c", "ac", true},
		{"a*c", "abc", true},
		{"a*c", "abcc", true}, {"a*c", "abcd", false}, {"*ab", "aab", true}, {"*ab*", "xabab", true}, {"*ab", "aba", false},
		{"a*b*c", "axbxbxc", true}, {"a*b*c", "axcxb", false}, {"a**c", "abc", true}, {"a*", "a", true}, {"a**", "a", true},
		{"a*?", "a", false}, {"a*?", "ab", true}, {"*?*", "", false}, {"*a?b", "aaxb", true}, {"*a?b", "axxb", false},
		{"a.*", "a", false}, {"*.txt", "a.TXT", true},
	} {
		if got := matches(c.pattern, c.name); got != c.want {
			t.Errorf("F-120: %q fits %q: %t", c.name, c.pattern, got)
		}
	}
}

// TestTimesOfLinux: a time of Windows is that of Linux as far as both reach, and the last of Linux beyond (F-122).
func TestTimesOfLinux(t *testing.T) {
	const last = 92_233_720_368 // seconds of Linux's last time in nanoseconds: 2262, and as far before 1970: 1677
	for _, c := range []struct {
		at   int64
		want unix.Timespec
	}{
		{116444736000000000, unix.Timespec{}}, {116444736000000001, unix.Timespec{Nsec: 100}},
		{125912558456000000, unix.Timespec{Sec: 946_782_245, Nsec: 600_000_000}},
		{1<<63 - 1, unix.Timespec{Sec: last / 10, Nsec: 854_775_800}},
		{1, unix.Timespec{Sec: -last/10 - 1, Nsec: 145_224_200}},
	} {
		if got := unixTime(c.at); got != c.want {
			t.Errorf("F-122: %d is %+v, want %+v", c.at, got, c.want)
		}
	}
	for at, want := range map[int64]bool{-1: false, 0: false, 1: true} {
		if given(at) != want {
			t.Errorf("F-122: %d is given: %t", at, !want)
		}
	}
}

// TestNothingToTell: an open whose descriptor is gone tells nothing and changes nothing, with the status of that
// (F-124).
func TestNothingToTell(t *testing.T) {
	w := newWorld(t)
	w.dir("d", wide)
	held := w.opened("d", fileaccess.Request{}, winnt.FILE_READ_DATA)
	f := &file{t: w.tree, fd: -1, granted: winnt.FILE_ALL_ACCESS, node: held.node, link: held.link}
	src := &file{t: w.tree, fd: -1, granted: winnt.FILE_ALL_ACCESS, node: &node{}, link: held.link}
	const gone = ntstatus.AccessDenied // EBADF
	for what, st := range map[string]ntstatus.Status{
		"facts": second(f.Facts()), "volume": second(f.Volume()), "descriptor": second(f.Descriptor()),
		"swap": second(f.SwapDescriptor(nil, nil)), "read": second(f.ReadAt(make([]byte, 1), 0)),
		"write": second(f.WriteAt([]byte("x"), 0)), "flush": f.Flush(), "size": f.SetSize(1), "refill": f.Refill(src),
		"allocate": f.Allocate(0, 0, 1), "backing": second(f.Backing(true)),
		"shown": third(f.Shown()), "found": third(f.Found()),
	} {
		if st != gone {
			t.Errorf("F-124: %s: %v", what, st)
		}
	}
	for what, st := range map[string]ntstatus.Status{"extended": second(f.Extended("user.a")),
		"names": second(f.ExtendedNames()), "set": f.SetExtended("user.a", nil, 0), "remove": f.RemoveExtended("user.a"),
		"basic": f.SetBasic(nt.FileBasic{LastWriteTime: 1}), "locking": second(f.Locking())} {
		if st != ntstatus.ObjectNameNotFound { // there is no such name among this program's descriptors
			t.Errorf("F-124: %s: %v", what, st)
		}
	}
	if _, id := f.Identity(); id != "" {
		t.Errorf("F-180: %q tells it from others", id)
	}
	if _, err := notEmpty(-1); !errors.Is(err, unix.EBADF) {
		t.Error(err)
	}
	f.directory = true
	w.want(second(f.List("", true, 1, nil)), gone)
}

func second[A any](_ A, st ntstatus.Status) ntstatus.Status        { return st }
func third[A, B any](_ A, _ B, st ntstatus.Status) ntstatus.Status { return st }
