// Package accounts reads users and groups from what other systems write, and
// writes them as a directory file: passwd and group (also by getent), pdbedit -L -v,
// wbinfo, LDIF as ldapsearch gives it, samba-tool, CSV of Get-ADUser, Get-ADGroup and
// Get-ADGroupMember, and BloodHound's JSON, zipped or not.
//
//	var list accounts.List
//	err := list.Read("ldif", file)
//	os.Stdout.Write(list.YAML())
//
// Accounts of one SID are one account, and so are accounts of one name unless both have
// SIDs that differ: passwd, which has uids, and pdbedit, which has SIDs, complete each
// other. An account without a SID is S-1-22-1-uid or S-1-22-2-gid, as Samba names it.
// What cannot be resolved is listed and left out. The zero List is empty; it belongs to
// one goroutine.
package accounts

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/refmon/refmon/sid"
)

// List is the accounts that were read.
type List struct {
	Unresolved []string // what could not be used, for people to read

	domain  sid.SID
	users   table
	groups  table
	foreign map[string]*account // entries that stand for accounts of elsewhere, by DN
	members []membership
	listed  []listedName
	leave   func(sid.SID) bool // nil: nothing is left out
}

// listedName is a name that a list has, and what makes the list.
type listedName struct{ name, list string }

// LeaveOut leaves groups out of what is read from now on, and memberships in them.
func (l *List) LeaveOut(of func(sid.SID) bool) { l.leave = of }

// Forms lists the names of the forms that Read knows.
const Forms = "passwd, getent, pdbedit, wbinfo, ldif, samba-tool, csv, bloodhound, auto"

// Read adds the accounts of a file in a form: passwd or getent, where lines of
// seven fields are users and lines of four are groups; pdbedit; wbinfo; ldif;
// samba-tool; csv; bloodhound; auto, if the file itself tells which it is.
func (l *List) Read(form string, file []byte) error {
	if form == "auto" {
		if form = Form(file); form == "" {
			return errors.New("the file does not tell what it is: name its form, one of " + Forms)
		}
	}
	if form == "bloodhound" {
		return l.bloodhound(file)
	}
	text, err := plain(file)
	if err != nil {
		return err
	}
	switch form {
	case "passwd", "getent":
		return l.passwd(text)
	case "pdbedit":
		return l.pdbedit(text)
	case "wbinfo":
		return l.wbinfo(text)
	case "ldif":
		return l.ldif(text, 0)
	case "samba-tool":
		return l.sambaTool(text)
	case "csv":
		return l.csv(text, "")
	}
	return fmt.Errorf("form %q: want one of %s", form, Forms)
}

// Members adds the members of a group: the CSV of Get-ADGroupMember, or names, one a
// line, as samba-tool group listmembers and net rpc group members print them.
func (l *List) Members(group string, file []byte) error {
	text, err := plain(file)
	if err != nil {
		return err
	}
	if Form(file) == "csv" {
		return l.csv(text, group)
	}
	g := l.groups.named(group)
	for line := range strings.Lines(text) {
		if name := strings.TrimSpace(line); name != "" {
			l.member(g, reference{name: name})
		}
	}
	return nil
}

// plain returns a file as UTF-8 with \n for ends of lines. PowerShell writes UTF-16.
func plain(file []byte) (string, error) {
	high := 0
	switch {
	case bytes.HasPrefix(file, []byte("\xff\xfe")):
		high = 1
	case !bytes.HasPrefix(file, []byte("\xfe\xff")):
		text := strings.TrimPrefix(string(file), "\ufeff")
		return strings.ReplaceAll(text, "\r\n", "\n"), nil
	}
	if len(file)%2 != 0 {
		return "", errors.New("the UTF-16 text ends inside a character")
	}
	units := make([]uint16, 0, len(file)/2)
	for i := 2; i < len(file); i += 2 {
		units = append(units, uint16(file[i+high])<<8|uint16(file[i+1-high]))
	}
	return strings.ReplaceAll(string(utf16.Decode(units)), "\r\n", "\n"), nil
}

// number reads a uid or gid; ok is false if the text has another form.
func number(text string) (id string, ok bool) {
	n, err := strconv.ParseUint(text, 10, 32)
	return strconv.FormatUint(n, 10), err == nil
}

func (l *List) unresolved(format string, args ...any) {
	l.Unresolved = append(l.Unresolved, fmt.Sprintf(format, args...))
}
