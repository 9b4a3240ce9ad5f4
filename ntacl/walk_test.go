package ntacl_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
)

// forest is a tree in memory. Names that end in / are directories.
type forest map[string]string // path → attribute; "!" is unreadable, "@" a link, "#" a device

var errGone = errors.New("gone")

func (f forest) Join(p, name string) string { return p + name }

func (f forest) Stat(p string) (ntacl.Info, error) {
	info, err := f.Lstat(p)
	info.Other = f[p] == "#"
	return info, err
}

func (f forest) Lstat(p string) (ntacl.Info, error) {
	v, ok := f[p]
	if !ok {
		return ntacl.Info{}, errGone
	}
	return ntacl.Info{Directory: strings.HasSuffix(p, "/"), Other: v == "@" || v == "#"}, nil
}

func (f forest) List(p string) (out []ntacl.Entry, err error) {
	for name, v := range f {
		if rest, ok := strings.CutPrefix(name, p); ok && rest != "" && !strings.Contains(strings.TrimSuffix(rest, "/"), "/") {
			out = append(out, ntacl.Entry{Name: rest, Directory: strings.HasSuffix(rest, "/"), Other: v == "@" || v == "#"})
		}
	}
	slices.SortFunc(out, func(a, b ntacl.Entry) int { return strings.Compare(a.Name, b.Name) })
	if f[p] == "!" {
		err = errGone
	}
	return out, err
}

func (f forest) Attribute(dst []byte, p, name string) ([]byte, error) {
	if suffix, ok := strings.CutPrefix(name, "system.posix_acl_"); ok {
		p += " " + suffix
	}
	switch v := f[p]; v {
	case "!":
		return nil, errGone
	case "", "@":
		return nil, nil
	default:
		return append(dst, v...), nil
	}
}

// Walk visits files and directories in order, reports errors with their path, and stops if the visitor returns false.
func TestWalkVisitsInOrder(t *testing.T) {
	f := forest{"/": "root", "/a": "1", "/b/": "", "/b/c": "2", "/b/link": "@",
		"/b/null": "#", "/closed/": "!", "/closed/x": "3",
		"/d": ""}
	walk := func(root string, recurse bool, most int) (out []string) {
		ntacl.Walk(f, root, recurse, func(x ntacl.Found) bool {
			out = append(out, fmt.Sprintf("%s %t %v", x.Path, x.Directory, x.Err))
			return len(out) < most
		})
		return out
	}
	want := []string{"/ true <nil>", "/a false <nil>", "/b/ true <nil>", "/b/c false <nil>", "/closed/ true <nil>",
		"/closed/ true gone", "/closed/x false <nil>", "/d false <nil>"}
	if got := walk("/", true, 99); !slices.Equal(got, want) {
		t.Errorf(`Walk of "/": %q, want %q`, got, want)
	}
	if got := walk("/", true, 3); !slices.Equal(got, want[:3]) {
		t.Errorf("Walk that the visitor stops after 3: %q, want %q", got, want[:3])
	}
	if got := walk("/", false, 99); !slices.Equal(got, want[:1]) {
		t.Errorf(`Walk of "/" without recursion: %q, want %q`, got, want[:1])
	}
	if got := walk("/x", false, 99); !slices.Equal(got, []string{"/x false gone"}) {
		t.Errorf("Walk of a missing file: %q, want one entry with an error", got)
	}
	// Walk returns whether the visitor returned true to the end.
	for _, root := range []string{"/", "/a", "/x", "/b/", "/closed/"} {
		for _, more := range []bool{true, false} {
			check.Equal(t, ntacl.Walk(f, root, true, func(ntacl.Found) bool { return more }), more,
				"Walk of %s returns", root)
		}
	}
	if got := walk("/b/link", true, 99); !slices.Equal(got, []string{"/b/link false <nil>"}) {
		t.Errorf("Walk of a link: %q, want the file", got)
	}
	for _, recurse := range []bool{true, false} {
		check.SlicesEqual(t, walk("/b/null", recurse, 99), nil, "Walk of a device, recursive %t", recurse)
	}
	check.That(t, ntacl.Walk(f, "/b/null", true, func(ntacl.Found) bool { return false }),
		"Walk of an entry that is neither file nor directory returns false, want true")
}

// Read returns the attribute's descriptor unless its hash is stale, and otherwise only the permissions.
func TestReadUsesDescriptorUnlessStale(t *testing.T) {
	d := sddl.MustParse("O:BAG:SYD:(A;;FR;;;WD)")
	value := func(a ntacl.Attribute) string {
		a.Descriptor = d
		b := check.Must(a.Append(nil))
		return string(b)
	}
	sealed := ntacl.Attribute{Version: 4}
	access, inherited := []byte{2, 0, 0, 0, 1, 0, 6, 0, 255, 255, 255, 255, 4, 0, 4, 0, 255, 255, 255, 255,
		32, 0, 0, 0, 255, 255, 255, 255}, []byte{2, 0, 0, 0, 1, 0, 7, 0, 255, 255, 255, 255, 4, 0, 5, 0, 255, 255, 255, 255,
		32, 0, 0, 0, 255, 255, 255, 255}
	check.NoError(t, sealed.Seal(ntacl.Info{Directory: true}, access, inherited))
	f := forest{"sealed/": value(sealed), "sealed/ access": string(access), "sealed/ default": string(inherited),
		"changed/": value(sealed), "changed/ access": string(access), "changed/ default": string(access),
		"none": "", "v1": value(ntacl.Attribute{Version: 1}),
		"stale": value(ntacl.Attribute{Version: 4, HashType: 1, What: "posix_acl"}),
		"v2/":   value(ntacl.Attribute{Version: 2, Hash: [64]byte{1}}), "folder/ default": "a default ACL",
		"folder/": value(ntacl.Attribute{Version: 3, HashType: 1, Hash: [64]byte{1}}), "cut": "\x01\x00", "!": "!",
		"x access": "!", "x": "", "y/ default": "!", "y/": ""}
	r := ntacl.Reader{Tree: f}
	for _, c := range []struct {
		path       string
		ignore     bool
		version    uint16
		descriptor bool
		verdict    ntacl.Verdict
		err        error
	}{
		{"sealed/", false, 4, true, ntacl.Intact, nil},
		{"changed/", false, 4, false, ntacl.Stale, nil},
		{"none", false, 0, false, ntacl.Unhashed, nil},
		{"v1", false, 1, true, ntacl.Unhashed, nil},
		{"v2/", false, 2, true, ntacl.Unhashed, nil},
		{"stale", false, 4, false, ntacl.Stale, nil},
		{"stale", true, 4, true, ntacl.Unhashed, nil},
		{"folder/", false, 3, true, ntacl.Unverifiable, nil},
		{"cut", false, 0, false, 0, ntacl.ErrAttribute},
		{"!", false, 0, false, 0, errGone},
		{"x", false, 0, false, 0, errGone},
		{"removed", false, 0, false, 0, errGone},
		{"y/", false, 0, false, 0, errGone},
	} {
		r.IgnorePosix = c.ignore
		got, err := r.Read(c.path)
		check.That(t, errors.Is(err, c.err), "Read(%s): %v, want %v", c.path, err, c.err)
		if err != nil || c.err != nil {
			continue
		}
		check.That(t, got.Attribute.Version == c.version && got.Verdict == c.verdict &&
			(got.Descriptor != nil) == c.descriptor, "Read of %+v: %+v", c, got)
		// The permissions are read only if the version's hash covers them.
		directory := strings.HasSuffix(c.path, "/") && c.version != 2
		check.That(t, got.Info.Directory == directory && string(got.Inherited) == f[c.path+" default"],
			"%s: permissions %+v, default ACL %q, want %q", c.path, got.Info, got.Inherited, f[c.path+" default"])
		if got.Descriptor != nil {
			back, err := sd.Decode(got.Descriptor)
			check.That(t, err == nil && back.Equal(d), "Read(%s): descriptor %v, %v; want %v", c.path, back, err, d)
		}
	}
}

// A mount of refmond serves the whole descriptor, without a version and a hash.
func TestReadWholeDescriptor(t *testing.T) {
	d := sddl.MustParse("O:BAG:SYD:(A;;FR;;;WD)")
	r := ntacl.Reader{Tree: forest{"f": string(d.Binary()), "none": ""}, Attribute: ntacl.WholeName}
	got, err := r.Read("f")
	check.That(t, err == nil && string(got.Descriptor) == string(d.Binary()) && got.Attribute.Version == 1 &&
		got.Verdict == ntacl.Unhashed, "Read: %+v, %v, want the descriptor, version 1", got, err)
	check.ErrorIs(t, check.Err(r.Read("none")), ntacl.ErrAttribute, "Read of a file without it")
}

// Read does not follow a link, and does not look for the default ACL of a file.
func TestReadUsesOwnPermissions(t *testing.T) {
	r := ntacl.Reader{Tree: forest{"link": "@", "link default": "!"}}
	got, err := r.Read("link")
	check.That(t, err == nil && got.Info.Other, "Read of a link: %+v, %v, want the link's own permissions", got, err)
}

// permitted is a tree whose files also have a POSIX ACL, and its directories a default one.
type permitted struct {
	forest
	acl, defaultACL string
}

func (p permitted) Attribute(dst []byte, path, name string) ([]byte, error) {
	switch name {
	case "system.posix_acl_access":
		return append(dst, p.acl...), nil
	case "system.posix_acl_default":
		return append(dst, p.defaultACL...), nil
	}
	return p.forest.Attribute(dst, path, name)
}

// POSIX ACLs of any length do not overwrite the attribute's descriptor or each other, even if the Reader reuses its
// buffer.
func TestLongACLKeepsDescriptor(t *testing.T) {
	d := sddl.MustParse("O:BAG:SYD:(A;;FR;;;WD)(A;;FW;;;BA)")
	a := ntacl.Attribute{Version: 3, HashType: 1, Hash: [64]byte{1}, Descriptor: d}
	b := check.Must(a.Append(nil))
	tree := permitted{forest: forest{"long": strings.Repeat("x", 1000), "d/": string(b)}}
	for entries := range 40 {
		tree.acl, tree.defaultACL = strings.Repeat("\xFF", 4+8*entries), strings.Repeat("\xEE", 4+8*entries)
		r := ntacl.Reader{Tree: tree}
		for range 2 { // the buffer is large enough the second time
			_, _ = r.Read("long")
			got := check.Must(r.Read("d/"))
			back, err := sd.Decode(got.Descriptor)
			check.That(t, err == nil && back.Equal(d) && string(got.PosixACL) == tree.acl &&
				string(got.Inherited) == tree.defaultACL,
				"with ACLs of %d entries: descriptor %v, %v, ACLs %x and %x; want all three as stored", entries, back, err,
				got.PosixACL, got.Inherited)
		}
	}
}
