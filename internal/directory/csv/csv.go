// Package csv reads users and groups from the CSV of Get-ADUser, Get-ADGroup, Get-ADComputer and Get-ADGroupMember.
package csv

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"github.com/refmon/refmon/internal/directory/collect"
	"github.com/refmon/refmon/internal/strict"
	"github.com/refmon/refmon/sid"
)

// cells maps the lower-case column names of a row to its values.
type cells map[string]string

// Read collects the rows that Export-Csv writes for Get-ADUser, Get-ADGroup, Get-ADComputer and Get-ADGroupMember.
// Columns have the names of the properties. Each account becomes a member of the groups in its columns MemberOf and
// Group, and of group unless that is "". A malformed row is an error with its line; rows before it stay collected. A
// column with the name of a type instead of values is reported once. An empty file and one without known columns give
// the error of columns.
func Read(c *collect.Collector, text, group string) error {
	skipped := 0
	if strings.HasPrefix(text, "#TYPE") { // PowerShell 5 writes the type of the rows first
		_, text, _ = strings.Cut(text, "\n")
		skipped = 1
	}
	r := csv.NewReader(strings.NewReader(text))
	r.Comma = Delimiter(text)
	r.ReuseRecord = true
	head, err := columns(r)
	var wrong *csv.ParseError
	switch {
	case errors.As(err, &wrong):
		return fmt.Errorf("line %d: %w", wrong.Line+skipped, wrong.Err)
	case err != nil:
		return fmt.Errorf("line %d: %w", 1+skipped, err)
	}
	var of *collect.Account
	if group != "" {
		of = c.Groups.Named(group)
	}
	mistyped, values := map[string]bool{}, cells{}
	for {
		row, err := r.Read()
		switch {
		case errors.Is(err, io.EOF):
			for _, column := range head {
				if mistyped[column] {
					c.Report("column %s holds the name of a type instead of values: export it as "+
						"@{n='%s';e={$_.%s -join ';'}}", column, column, column)
				}
			}
			return nil
		case errors.As(err, &wrong):
			return fmt.Errorf("line %d: %w", wrong.Line+skipped, wrong.Err)
		case err != nil:
			return err
		}
		clear(values)
		for i, column := range head {
			value := strings.TrimSpace(row[i])
			if strings.HasPrefix(value, "Microsoft.ActiveDirectory.Management.") || value == "System.String[]" {
				mistyped[column] = true
				continue
			}
			values[column] = value
		}
		if err := addRow(c, values, of); err != nil {
			line, _ := r.FieldPos(0)
			return fmt.Errorf("line %d: %w", line+skipped, err)
		}
	}
}

// Delimiter returns the separator of the columns: a comma, or a semicolon or tab if the first line has more of those.
// Export-Csv -UseCulture writes semicolons.
func Delimiter(text string) rune {
	line, _, _ := strings.Cut(text, "\n")
	best := ','
	for _, r := range ";\t" {
		if strings.Count(line, string(r)) > strings.Count(line, string(best)) {
			best = r
		}
	}
	return best
}

// columns reads the first line and returns its column names in lower case. A name that appears twice is an error, and
// so is a line without the columns that IsCSV requires. An empty input is an error.
func columns(r *csv.Reader) ([]string, error) {
	row, err := r.Read()
	if err != nil {
		return nil, err
	}
	head := make([]string, len(row))
	have := map[string]bool{}
	for i, column := range row {
		head[i] = strings.ToLower(strings.TrimSpace(column))
		if head[i] != "" && have[head[i]] {
			return nil, fmt.Errorf("the column %s occurs twice", strict.Clip(column))
		}
		have[head[i]] = true
	}
	if !IsCSV(have) {
		return nil, errors.New("want the columns SamAccountName and SID, and of users MemberOf or of members Group, " +
			"as Export-Csv names them")
	}
	return head, nil
}

// IsCSV reports whether the lower-case column names in have are those of Active Directory's cmdlets: samaccountname,
// and sid or objectsid.
func IsCSV(have map[string]bool) bool {
	return have["samaccountname"] && (have["sid"] || have["objectsid"])
}

// addRow collects the account of a row and makes it a member of the group of, which may be nil. row has headings in
// lower case. A row without a name or SID is only reported. Other malformed cells are errors. Without a class, a
// category or scope means a group. The first nonempty column with a group's name counts.
func addRow(c *collect.Collector, row cells, of *collect.Account) error {
	text := row["sid"]
	if text == "" {
		text = row["objectsid"]
	}
	name := row["samaccountname"]
	if text == "" || name == "" {
		c.Report("%s has no SID or no SamAccountName", strings.Trim(row["name"]+" "+row["distinguishedname"], " "))
		return nil
	}
	s, err := sid.Parse(text)
	if err != nil {
		return fmt.Errorf("column SID: %w", err)
	}
	kind := strings.ToLower(row["objectclass"])
	var a *collect.Account
	if kind == "group" || kind == "" && (row["groupcategory"] != "" || row["groupscope"] != "") {
		a = c.Groups.Account(name, s)
		if row["groupcategory"] != "" {
			a.Mail = strings.EqualFold(row["groupcategory"], "Distribution")
		}
		for _, member := range split(row["members"]) {
			c.AddMember(a, collect.Refer(member))
		}
		err = collect.SetNumber("column gidNumber", &a.ID, row["gidnumber"])
	} else {
		a = c.Users.Account(name, s)
		err = addUser(a, row)
	}
	if err != nil {
		return err
	}
	collect.Keep(&a.DN, row["distinguishedname"])
	for _, group := range split(row["memberof"]) {
		a.In = append(a.In, collect.Refer(group))
	}
	for _, column := range []string{"group", "groupname", "groupsid", "groupdn"} {
		if row[column] != "" {
			a.In = append(a.In, collect.Refer(row[column]))
			break
		}
	}
	if of != nil {
		a.Join(of)
	}
	for _, text := range split(row["sidhistory"]) {
		old, err := sid.Parse(text)
		if err != nil {
			return fmt.Errorf("sIDHistory: %w", err)
		}
		a.History = append(a.History, old)
	}
	return nil
}

// addUser stores the columns that only users have: whether the account is enabled, the primary group, uid and gid. An
// empty cell changes nothing. A primary group that is not a number is a reference. Of the numbers, both errors are
// returned.
func addUser(a *collect.Account, row cells) error {
	if row["enabled"] != "" {
		enabled, err := strconv.ParseBool(strings.ToLower(row["enabled"]))
		if err != nil {
			return fmt.Errorf("column Enabled: %q is neither True nor False", strict.Clip(row["enabled"]))
		}
		a.Disabled = !enabled
	}
	if rid, err := strconv.ParseUint(row["primarygroupid"], 10, 32); err == nil && a.SID.SubAuthorities() > 1 {
		a.Primary = a.SID.Prefix().WithRID(uint32(rid))
	} else if row["primarygroup"] != "" {
		a.In = append(a.In, collect.Refer(row["primarygroup"]))
	}
	return errors.Join(collect.SetNumber("column uidNumber", &a.ID, row["uidnumber"]),
		collect.SetNumber("column gidNumber", &a.GID, row["gidnumber"]))
}

// element matches an element of a list, which a bar may divide further. A semicolon after a backslash is part of a
// distinguished name (RFC 4514, 2.4).
var element = regexp.MustCompile(`(\\[^\n]|[^;\n])+`)

// bar matches a bar before a distinguished name or a SID.
var bar = regexp.MustCompile(`\|\s*(?:[A-Za-z][A-Za-z0-9-]*=|S-1-)`)

// split returns the elements of a list in a cell. Semicolons, bars and line ends separate them. A bar can be part of a
// distinguished name, because Active Directory writes no backslash before it. It then separates only before another
// distinguished name or a SID. split drops empty elements, and returns nil for none.
func split(cell string) (list []string) {
	add := func(text string) {
		if text = strings.TrimSpace(text); text != "" {
			list = append(list, text)
		}
	}
	for _, v := range element.FindAllString(cell, -1) {
		from := 0
		for _, at := range append(bar.FindAllStringIndex(v, -1), []int{len(v)}) {
			part := v[from:at[0]]
			if from = min(at[0]+1, len(v)); strings.Contains(part, "=") {
				add(part)
				continue
			}
			for name := range strings.SplitSeq(part, "|") {
				add(name)
			}
		}
	}
	return list
}
