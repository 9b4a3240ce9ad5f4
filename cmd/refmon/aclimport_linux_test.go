package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntacl"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
)

// TestImportExplainsForeignForm checks that an import names the command for other forms only if no line is JSON. An
// export of another directory is named by --from, but not a missing file of the tree.
func TestImportExplainsForeignForm(t *testing.T) {
	dir := t.TempDir()
	for text, want := range map[string]string{"Path,Sddl\n": "refmon acl export -o FILE",
		`{"path":"/other/f","sd":"D:","type":"file"}` + "\n" + `{"end":1}` + "\n": "see --from",
		`{"path":"` + dir + `/f","sd":"O:SYG:SYD:"}` + "\n" + `{"end":1}` + "\n":  "f: no such file or directory\n"} {
		file := filepath.Join(t.TempDir(), "objects")
		check.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		code, _, errs := runLine("acl", "import", "--offline", "--attribute", ntacl.UserName, dir, file)
		check.That(t, code == exitMalformed && strings.Contains(errs, want) &&
			strings.Contains(errs, "have lines of JSON") == strings.Contains(want, "FILE") &&
			strings.Contains(errs, "see --from") == (want == "see --from"), "%s: %d, %s", text, code, errs)
	}
}

// TestExportPassesModeOnToNobody checks that an imported export of a private directory, with and without a default ACL
// that gives others what its mode does, has no entry of Everyone or CREATOR GROUP for new files. One of a user stays
// (B-111).
func TestExportPassesModeOnToNobody(t *testing.T) {
	for _, inherited := range []fileaccess.POSIXACL{nil, {{Tag: fileaccess.POSIXOwner, Perm: 7},
		{Tag: fileaccess.POSIXUser, ID: 9, Perm: 5}, {Tag: fileaccess.POSIXGroupOwner, Perm: 5},
		{Tag: fileaccess.POSIXMask, Perm: 7}, {Tag: fileaccess.POSIXOther, Perm: 5}}} {
		dir := t.TempDir()
		check.NoError(t, os.Mkdir(dir+"/d", 0o755))
		if inherited != nil {
			check.NoError(t, unix.Setxattr(dir+"/d", "system.posix_acl_default", inherited.Append(nil), 0))
		}
		code, out, errs := runLine("acl", "export", "--attribute", ntacl.UserName, dir+"/d")
		check.RequireThat(t, code == 0, "acl export: %d, %s", code, errs)
		file := filepath.Join(t.TempDir(), "objects")
		check.NoError(t, os.WriteFile(file, []byte(out), 0o600))
		code, _, errs = runLine("acl", "import", "--offline", "--attribute", ntacl.UserName, dir+"/d", file)
		check.RequireThat(t, code == 0, "acl import: %d, %s", code, errs)
		b := make([]byte, 4096)
		n := check.Must(unix.Getxattr(dir+"/d", ntacl.UserName, b))
		for _, a := range check.Must(ntacl.Decode(b[:n])).Descriptor.DACL().All() {
			who, heirs := a.SID(), a.Flags()&(sd.ObjectInherit|sd.ContainerInherit) != 0
			check.That(t, !heirs || who != sid.Everyone && who != sid.CreatorGroup, "B-111: entry of %s for new files in %s",
				who, out)
		}
		check.Equal(t, strings.Contains(out, "OICIIO;0x1200a9;;;S-1-22-1-9)"), inherited != nil, "entry of user 9 in %s", out)
	}
}
