package accounts

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/refmon/refmon/sid"
)

// cells are the cells of a row by the names of their columns in small letters.
type cells map[string]string

// csv reads what Export-Csv writes of Get-ADUser, Get-ADGroup, Get-ADComputer and
// Get-ADGroupMember, with the names that their properties have. Rows of a column Group are
// members of that group; with group, which is "" else, all rows are.
func (l *List) csv(text, group string) error {
	skipped := 0
	if strings.HasPrefix(text, "#TYPE") { // PowerShell 5 writes the type of the rows first
		_, text, _ = strings.Cut(text, "\n")
		skipped = 1
	}
	r := csv.NewReader(strings.NewReader(text))
	r.Comma = delimiter(text)
	r.ReuseRecord = true
	head, err := columns(r)
	if err != nil {
		return err
	}
	var of *account
	if group != "" {
		of = l.groups.named(group)
	}
	odd, c := map[string]bool{}, cells{}
	for {
		row, err := r.Read()
		var wrong *csv.ParseError
		switch {
		case errors.Is(err, io.EOF):
			for _, column := range head {
				if odd[column] {
					l.unresolved("column %s holds the name of a type instead of values: export it as "+
						"@{n='%s';e={$_.%s -join ';'}}", column, column, column)
				}
			}
			return nil
		case errors.As(err, &wrong):
			return fmt.Errorf("line %d: %w", wrong.Line+skipped, wrong.Err)
		case err != nil:
			return err
		}
		clear(c)
		for i, column := range head {
			value := strings.TrimSpace(row[i])
			if strings.HasPrefix(value, "Microsoft.ActiveDirectory.Management.") || value == "System.String[]" {
				odd[column] = true
				continue
			}
			c[column] = value
		}
		if err := l.row(c, of); err != nil {
			line, _ := r.FieldPos(0)
			return fmt.Errorf("line %d: %w", line+skipped, err)
		}
	}
}

// delimiter finds what separates the columns: Export-Csv -UseCulture writes semicolons.
func delimiter(text string) rune {
	line, _, _ := strings.Cut(text, "\n")
	best := ','
	for _, r := range ";\t" {
		if strings.Count(line, string(r)) > strings.Count(line, string(best)) {
			best = r
		}
	}
	return best
}

// columns reads the first line.
func columns(r *csv.Reader) ([]string, error) {
	row, err := r.Read()
	if err != nil {
		return nil, fmt.Errorf("line 1: %w", err)
	}
	head := make([]string, len(row))
	have := map[string]bool{}
	for i, column := range row {
		head[i] = strings.ToLower(strings.TrimSpace(column))
		if have[head[i]] {
			return nil, fmt.Errorf("line 1: the column %s is there twice", short(column))
		}
		have[head[i]] = true
	}
	if !isCSV(have) {
		return nil, fmt.Errorf("line 1: want the columns SamAccountName and SID, and of users MemberOf or of members " +
			"Group, as Export-Csv names them")
	}
	return head, nil
}

// isCSV reports whether columns, in small letters, are those of Active Directory's cmdlets.
func isCSV(have map[string]bool) bool {
	return have["samaccountname"] && (have["sid"] || have["objectsid"])
}

// row takes the account of a row.
func (l *List) row(c cells, of *account) error {
	text := c["sid"]
	if text == "" {
		text = c["objectsid"]
	}
	name := c["samaccountname"]
	if text == "" || name == "" {
		l.unresolved("%s has no SID or no SamAccountName", strings.Trim(c["name"]+" "+c["distinguishedname"], " "))
		return nil
	}
	s, err := sid.Parse(text)
	if err != nil {
		return fmt.Errorf("column SID: %w", err)
	}
	kind := strings.ToLower(c["objectclass"])
	var a *account
	if kind == "group" || kind == "" && (c["groupcategory"] != "" || c["groupscope"] != "") {
		a = l.groups.account(name, s)
		if c["groupcategory"] != "" {
			a.mail = strings.EqualFold(c["groupcategory"], "Distribution")
		}
		for _, member := range split(c["members"]) {
			l.member(a, refer(member))
		}
		err = a.number("column gidNumber", &a.id, c["gidnumber"])
	} else {
		a = l.users.account(name, s)
		err = a.userRow(c)
	}
	if err != nil {
		return err
	}
	keep(&a.dn, c["distinguishedname"])
	for _, group := range split(c["memberof"]) {
		a.in = append(a.in, refer(group))
	}
	for _, column := range []string{"group", "groupname", "groupsid", "groupdn"} {
		if c[column] != "" {
			a.in = append(a.in, refer(c[column]))
			break
		}
	}
	if of != nil {
		a.groups = append(a.groups, of)
	}
	return a.past(split(c["sidhistory"]))
}

// userRow takes what only users have.
func (a *account) userRow(c cells) error {
	if c["enabled"] != "" {
		enabled, err := strconv.ParseBool(strings.ToLower(c["enabled"]))
		if err != nil {
			return fmt.Errorf("column Enabled: %q is neither True nor False", short(c["enabled"]))
		}
		a.disabled = !enabled
	}
	if rid, err := strconv.ParseUint(c["primarygroupid"], 10, 32); err == nil && a.sid.SubAuthorities() > 1 {
		a.primary = a.sid.Prefix().WithRID(uint32(rid))
	} else if c["primarygroup"] != "" {
		a.in = append(a.in, refer(c["primarygroup"]))
	}
	return errors.Join(a.number("column uidNumber", &a.id, c["uidnumber"]),
		a.number("column gidNumber", &a.gid, c["gidnumber"]))
}

// split takes a list in a cell apart, at semicolons, bars or ends of lines.
func split(cell string) (list []string) {
	for v := range strings.FieldsFuncSeq(cell, func(r rune) bool { return r == ';' || r == '|' || r == '\n' }) {
		if v = strings.TrimSpace(v); v != "" {
			list = append(list, v)
		}
	}
	return list
}

// refer returns the reference that a text is: a SID, a DN or a name.
func refer(text string) reference {
	s, err := sid.Parse(text)
	switch {
	case err == nil:
		return reference{sid: s}
	case strings.Contains(text, "="):
		return reference{dn: text}
	}
	return reference{name: text}
}
