// Package source reads users and groups from the files of other systems: passwd and group (also by getent), pdbedit
// -L -v, wbinfo, LDIF as ldapsearch writes it, samba-tool, CSV of Get-ADUser, Get-ADGroup and Get-ADGroupMember, and
// BloodHound's JSON, zipped or not.
//
//	var c collect.Collector
//	err := source.Read(&c, "ldif", file)
//	os.Stdout.Write(dirfile.Write(c.Accounts()))
package source

import (
	"errors"
	"fmt"
	"strings"

	"github.com/refmon/refmon/internal/directory/bloodhound"
	"github.com/refmon/refmon/internal/directory/collect"
	"github.com/refmon/refmon/internal/directory/csv"
	"github.com/refmon/refmon/internal/directory/ldif"
	"github.com/refmon/refmon/internal/directory/passwd"
	"github.com/refmon/refmon/internal/directory/sambatool"
	"github.com/refmon/refmon/internal/directory/wbinfo"
	"github.com/refmon/refmon/internal/utf16text"
)

// Forms lists the names of the forms that Read knows.
const Forms = "passwd, getent, pdbedit, wbinfo, ldif, samba-tool, csv, bloodhound, auto"

// Read collects the accounts of a file in one of Forms. passwd and getent accept lines of seven fields as users and
// lines of four as groups. auto detects the form as Form does. An unknown form and a malformed file are errors;
// accounts before the error stay collected. Text may be UTF-16 for all forms but bloodhound.
func Read(c *collect.Collector, form string, file []byte) error {
	if form == "auto" {
		if form = Form(file); form == "" {
			return errors.New("cannot detect the form of the file: give one of " + Forms)
		}
	}
	if form == "bloodhound" {
		return bloodhound.Read(c, file)
	}
	text, err := decodeText(file)
	if err != nil {
		return err
	}
	switch form {
	case "passwd", "getent":
		return passwd.Read(c, text)
	case "pdbedit":
		return passwd.ReadPdbedit(c, text)
	case "wbinfo":
		return wbinfo.Read(c, text)
	case "ldif":
		return ldif.Read(c, text, 0)
	case "samba-tool":
		return sambatool.Read(c, text)
	case "csv":
		return csv.Read(c, text, "")
	}
	return fmt.Errorf("form %q: want one of %s", form, Forms)
}

// ReadMembers collects the members of a group: the CSV of Get-ADGroupMember, or one name a line, as samba-tool group
// listmembers and net rpc group members print. It adds the group if it is new, and ignores empty lines. A malformed
// file is an error; members before the error stay collected.
func ReadMembers(c *collect.Collector, group string, file []byte) error {
	text, err := decodeText(file)
	if err != nil {
		return err
	}
	if Form(file) == "csv" {
		return csv.Read(c, text, group)
	}
	g := c.Groups.Named(group)
	for line := range strings.Lines(text) {
		if name := strings.TrimSpace(line); name != "" {
			c.AddMember(g, collect.Reference{Name: name})
		}
	}
	return nil
}

// decodeText returns a file as UTF-8 with \n line ends and without a byte order mark. It reads UTF-16, as PowerShell
// writes it. UTF-16 that ends inside a character is an error. Other bytes are returned as they are.
func decodeText(file []byte) (string, error) {
	text, err := utf16text.UTF8(file)
	var b strings.Builder
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutSuffix(line, "\n"); ok {
			line = strings.TrimRight(rest, "\r") + "\n" // a pipe can write \r\r\n
		}
		b.WriteString(line)
	}
	return b.String(), err
}
