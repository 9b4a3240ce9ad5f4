// Package sambatool reads users and groups from the output of samba-tool user and samba-tool group.
package sambatool

import (
	"fmt"
	"strings"

	"github.com/refmon/refmon/internal/directory/collect"
	"github.com/refmon/refmon/internal/directory/ldif"
	"github.com/refmon/refmon/internal/strict"
)

// Read collects the output of samba-tool user and group: LDIF from show; names, DNs or the table of --verbose from
// list. A list has no SIDs. Its names are reported in Unresolved unless another source describes them. An error message
// of samba-tool in the text is an error with the line. Accounts before the error stay collected.
func Read(c *collect.Collector, text string) error {
	n, shown := 0, -1
	var show strings.Builder
	flush := func() error {
		if shown < 0 {
			return nil
		}
		err := ldif.Read(c, show.String(), shown)
		show.Reset()
		shown = -1
		return err
	}
	table := false
	for line := range strings.Lines(text) {
		n++
		trimmed := strings.TrimSpace(line)
		switch {
		case shown >= 0 && trimmed != "":
			show.WriteString(line)
		case shown >= 0:
			if err := flush(); err != nil {
				return err
			}
		case trimmed == "":
		case strings.HasPrefix(line, "dn:"):
			shown = n - 1
			show.WriteString(line)
		case strings.HasPrefix(line, "ERROR"):
			return fmt.Errorf("line %d: samba-tool failed: %s", n, strict.Clip(trimmed))
		case strings.HasPrefix(line, "Group Name") && strings.Contains(line, "Group Type"):
			table = true
		case strings.Trim(trimmed, "-") == "":
		case table:
			tableRow(c, line)
		default:
			c.AddListed(trimmed, "samba-tool")
		}
	}
	return flush()
}

// tableRow collects a row of samba-tool group list --verbose: name, type, scope, members. A distribution group is
// marked and never counts as a group of tokens. It ignores a row without a type.
func tableRow(c *collect.Collector, line string) {
	// The name can have one of these words, too.
	security, mail := strings.LastIndex(line, " Security "), strings.LastIndex(line, " Distribution ")
	name := strings.TrimSpace(line[:max(security, mail, 0)])
	switch {
	case name == "":
	case mail > security:
		c.Groups.Named(name).Mail = true
	default:
		c.AddListed(name, "samba-tool")
	}
}
