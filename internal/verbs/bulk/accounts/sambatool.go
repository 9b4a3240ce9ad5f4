package accounts

import (
	"fmt"
	"strings"
)

// sambaTool reads what samba-tool user and group print: of show, LDIF; of list, names, DNs
// or the table of --verbose. Lists have no SIDs: of them is kept whether what they name is
// told of elsewhere.
func (l *List) sambaTool(text string) error {
	n, shown := 0, -1
	var show strings.Builder
	flush := func() error {
		if shown < 0 {
			return nil
		}
		err := l.ldif(show.String(), shown)
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
			return fmt.Errorf("line %d: samba-tool failed: %s", n, short(trimmed))
		case strings.HasPrefix(line, "Group Name") && strings.Contains(line, "Group Type"):
			table = true
		case strings.Trim(trimmed, "-") == "":
		case table:
			l.tableRow(line)
		default:
			l.listed = append(l.listed, listedName{trimmed, "samba-tool"})
		}
	}
	return flush()
}

// tableRow takes a row of samba-tool group list --verbose: name, type, scope, members.
func (l *List) tableRow(line string) {
	for _, kind := range []string{"Security", "Distribution"} {
		if at := strings.LastIndex(line, " "+kind+" "); at > 0 {
			name := strings.TrimSpace(line[:at])
			if kind == "Distribution" {
				l.groups.named(name).mail = true
				return
			}
			l.listed = append(l.listed, listedName{name, "samba-tool"})
			return
		}
	}
}
