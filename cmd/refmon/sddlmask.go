package main

import (
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// maskOf returns the access mask that a text is, such as 0x001200a9. ok is false for any other text (B-105).
func maskOf(text string) (m winnt.AccessMask, ok bool) {
	digits, ok := strings.CutPrefix(strings.ToLower(strings.TrimSpace(text)), "0x")
	n, err := strconv.ParseUint(digits, 16, 32)
	return winnt.AccessMask(n), ok && err == nil
}

// printMask prints a mask for a type of object: in hexadecimal, as SDDL rights, as the words of who-can that it grants,
// and one line for each right's name. It omits the words if it grants none. An empty mask has the name 0.
func printMask(std *streams, m winnt.AccessMask, t *winnt.ObjectType) error {
	w := tabwriter.NewWriter(std.out, 0, 8, 2, ' ', 0)
	fmt.Fprintf(w, "mask\t%s\n", m.Padded())
	fmt.Fprintf(w, "sddl\t%s\n", sddl.FormatRights(m))
	if granted := words.Granted(t.Mapping.Map(m), t); len(granted) > 0 {
		fmt.Fprintf(w, "words\t%s\n", strings.Join(granted, ", "))
	}
	for i, name := range strings.Split(t.Names(m), "|") {
		first := ""
		if i == 0 {
			first = "rights"
		}
		fmt.Fprintf(w, "%s\t%s\n", first, name)
	}
	return w.Flush()
}
