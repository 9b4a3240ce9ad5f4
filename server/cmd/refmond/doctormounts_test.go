package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/hostfs"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sddl"
)

// TestDoctorCountsDescriptorsThatModesInvalidate checks that doctor reports a descriptor that a chmod invalidated,
// unless the tree ignores modes, where the descriptor counts, and one that cannot be read. It reports files without a
// descriptor, unless the tree derives one from the mode.
func TestDoctorCountsDescriptorsThatModesInvalidate(t *testing.T) {
	const attribute = "user.NTACL"
	dir := t.TempDir()
	path := filepath.Join(dir, "plan")
	check.NoError(t, os.WriteFile(path, nil, 0o600))
	a := ntacl.Attribute{Version: 4, HashType: ntacl.HashSHA256, Descriptor: sddl.MustParse("O:BAG:SYD:P(A;;FA;;;WD)")}
	of := ntacl.Info{Mode: 0o644, UID: uint32(os.Geteuid()), GID: uint32(os.Getegid())}
	check.NoError(t, a.Seal(of, nil, nil))
	if err := unix.Setxattr(path, attribute, check.Must(a.Append(nil)), 0); err != nil {
		t.Skipf("no attribute of users can be set in %s: %v", dir, err)
	}
	for missing, bad := range map[hostfs.Missing]bool{hostfs.RefuseMissing: true, hostfs.SynthesiseMissing: false} {
		var out bytes.Buffer
		k := &checkUp{std: &streams{out: &out}}
		k.stored(&treeConfig{name: "projects",
			Config: hostfs.Config{Path: dir, Attribute: "user.none", Missing: missing}})
		const want = "WRONG trees        projects: of the 2 files 2 have no descriptor, so nobody can open them"
		check.That(t, strings.HasPrefix(out.String(), want) == bad && k.fail == bad, "F-101: missing %v: failed %t:\n%s",
			missing, k.fail, &out)
	}
	for _, ignore := range []bool{false, true} {
		var out bytes.Buffer
		k := &checkUp{std: &streams{out: &out}}
		k.stored(&treeConfig{name: "projects",
			Config: hostfs.Config{Path: dir, Attribute: attribute, Missing: hostfs.SynthesiseMissing, IgnorePosix: ignore}})
		const wrong = "WRONG trees        projects: of the 2 files 1 have invalid descriptors"
		stale := strings.Contains(out.String(), wrong)
		check.That(t, stale == !ignore && k.fail == !ignore, "ignorePosix %t: failed %t, want %t:\n%s", ignore, k.fail,
			!ignore, out.String())
	}
	check.NoError(t, unix.Setxattr(path, attribute, []byte("garbage"), 0))
	var out bytes.Buffer
	(&checkUp{std: &streams{out: &out}}).stored(&treeConfig{name: "projects",
		Config: hostfs.Config{Path: dir, Attribute: attribute}})
	const failed = "note  trees        projects: the descriptors of 1 files cannot be read\n"
	check.That(t, strings.HasSuffix(out.String(), failed), "%s, want %q", &out, failed)
}

// TestMountOverItsTreeHidesItHoweverSpelled checks that doctor does not open a tree whose mount is configured over the
// tree itself, with a slash at the end or not. It checks the trees that follow.
func TestMountOverItsTreeHidesItHoweverSpelled(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "none")
	for _, spelled := range []string{dir, dir + "/", dir + "/."} {
		tree := check.Must((&treeSettings{Path: dir, Mount: spelled}).check("projects"))
		var out bytes.Buffer
		k := &checkUp{std: &streams{out: &out}}
		check.That(t, k.covered(&tree) && k.fail, "a missing mount %s does not hide its tree:\n%s", spelled, &out)
		k.trees([]treeConfig{tree, {name: "next"}})
		check.That(t, strings.Contains(out.String(), " trees        next: "), "no line about the next tree:\n%s", &out)
		tree.Path += "-elsewhere"
		check.That(t, !k.covered(&tree), "a missing mount elsewhere hides its tree")
	}
}
