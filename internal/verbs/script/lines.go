package script

import (
	"bytes"
	"strings"

	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
)

// Lines returns the lines in which a transcript shows a call that some program made,
// with its reasons below it. Secrets show as *** (L-1).
func Lines(c *nt.Call) []string {
	var b bytes.Buffer
	t := &transcript{r: &Runner{names: map[*kernel.AccessToken]string{}}, w: &b}
	t.text(c)
	_ = t.flush() // to memory
	return strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
}
