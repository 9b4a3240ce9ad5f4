package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntacl"
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
