package screen

import (
	"io"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/objects"
)

// FuzzScreen checks that no reader panics, that each object has a descriptor or an error, and that the length of the
// text bounds the number of objects.
func FuzzScreen(f *testing.F) {
	for _, text := range []string{icaclsText, getAclText, accessChkText, "O:BAD:(A;;FR;;;\nWD)\nD:P\n"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, open := range []func(io.Reader) objects.Source{newICACLS, newGetAcl, newAccessChk, newSDDL} {
			list, _ := read(t, open(strings.NewReader(text)))
			if len(list) > 1+strings.Count(text, "\n") {
				t.Errorf("%d objects in %q", len(list), text)
			}
		}
		_, _ = Detect(text)
	})
}
