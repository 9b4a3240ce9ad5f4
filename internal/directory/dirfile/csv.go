package dirfile

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/strict"
)

// csvHead returns the columns of a directory in CSV, or nil for another format. The first line must name the columns
// name and sid. The names of columns match in any case.
func csvHead(b []byte) []string {
	line, _, _ := bytes.Cut(b, []byte("\n"))
	head, err := csv.NewReader(bytes.NewReader(line)).Read()
	if err != nil {
		return nil
	}
	found := 0
	for i, h := range head {
		head[i] = strings.TrimSpace(h)
		if strings.EqualFold(head[i], "name") || strings.EqualFold(head[i], "sid") {
			found++
		}
	}
	if found < 2 {
		return nil
	}
	return head
}

// readCSV reads a directory with one account in each row. head has the column names, each at most once unless it is
// empty:
//   - name, sid, memberOf, primaryGroup, disabled, uid, gid
//   - kind: user (the default), group or domain
//   - claims.NAME, claims.NAME:int64, claims.NAME:boolean: values separated by semicolons
//
// Errors name the line; those of malformed CSV come from encoding/csv.
func readCSV(b []byte, head []string) (*file, error) {
	for i, column := range head {
		again := func(other string) bool { return strings.EqualFold(columnName(other), columnName(column)) }
		if column != "" && slices.ContainsFunc(head[:i], again) {
			return nil, fmt.Errorf("line 1: column %s occurs twice", column)
		}
	}
	f := &file{line: func(at int) int { return at }}
	r := csv.NewReader(bytes.NewReader(b))
	for first := true; ; first = false {
		row, err := r.Read()
		switch {
		case errors.Is(err, io.EOF):
			return f, nil
		case err != nil:
			return nil, err
		case first:
			continue
		}
		line, _ := r.FieldPos(0)
		if err := f.addRow(head, row, line); err != nil {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
	}
}

// columnName returns a heading without the type of a claim.
func columnName(head string) string {
	name, _, _ := strings.Cut(head, ":")
	return name
}

// addRow adds the account of a row. head has the column names. An empty cell means that the value is missing; the
// default kind is user. A value that does not parse is an error. A column that is unknown or has no heading is an error
// only if its cell has a value.
func (f *file) addRow(head, row []string, line int) error {
	u := user{group: group{at: line}}
	kind := "user"
	var claims []string
	for i, cell := range row {
		cell = strings.TrimSpace(cell)
		column := strings.ToLower(head[i])
		if column == "name" {
			u.Name = cell
			continue
		}
		if cell == "" {
			continue
		}
		var err error
		switch {
		case column == "":
			return fmt.Errorf("a value in column %d, which has no heading", i+1)
		case column == "sid":
			u.SID = cell
		case column == "kind":
			kind = strings.ToLower(cell)
		case column == "uid":
			u.UID, err = directory.ParseUnixID(cell)
		case column == "gid":
			u.GID, err = directory.ParseUnixID(cell)
		case column == "primarygroup":
			u.Primary = cell
		case column == "memberof":
			u.MemberOf = split(cell)
		case column == "disabled":
			u.Disabled, err = strconv.ParseBool(strings.ToLower(cell))
		case strings.HasPrefix(column, "claims.") && len(column) > len("claims."):
			name, typ, _ := strings.Cut(head[i][len("claims."):], ":")
			var claim string
			if claim, err = csvClaim(name, strings.ToLower(typ), split(cell)); claim != "" {
				claims = append(claims, claim)
			}
		default:
			err = errors.New("no such column: there are kind, name, sid, memberOf, primaryGroup, disabled, uid, gid and " +
				"claims.NAME")
		}
		if err != nil {
			return fmt.Errorf("column %s: %w", head[i], err)
		}
	}
	if len(claims) > 0 {
		slices.Sort(claims)
		u.Claims = []byte("[" + strings.Join(claims, ",") + "]")
	}
	return f.add(kind, &u)
}

// add adds an account of a kind. A field that this kind cannot have is an error, and so is a second domain, or one
// without a SID. An unknown kind is an error. u is copied. Names and other SIDs are not checked here.
func (f *file) add(kind string, u *user) error {
	switch kind {
	case "user":
		f.Users = append(f.Users, *u)
	case "group", "domain":
		if u.Claims != nil || u.Disabled || u.UID.Known || u.Primary != "" ||
			kind == "domain" && (u.MemberOf != nil || u.GID.Known || f.Domain != "") {
			return fmt.Errorf("a %s has a name and a SID, a group memberOf and gid too; "+
				"only users have claims, a primary group or a uid or can be disabled, and there is one domain", kind)
		}
		if kind == "domain" && u.SID == "" {
			return errors.New("a domain needs a SID")
		}
		if kind == "domain" {
			f.Domain = u.SID
			return nil
		}
		f.Groups = append(f.Groups, u.group)
	default:
		return fmt.Errorf("kind %q: want user, group or domain", kind)
	}
	return nil
}

// split returns the elements of a cell, separated by semicolons, without surrounding spaces and empty elements. It
// returns nil for none.
func split(cell string) (list []string) {
	for v := range strings.SplitSeq(cell, ";") {
		if v = strings.TrimSpace(v); v != "" {
			list = append(list, v)
		}
	}
	return list
}

// csvClaim returns a claim as JSON in the form of a token file, or "" without values. typ is string, int64 or
// boolean; "" means string. An unknown typ and a value of another type are errors, if there are values. Booleans
// match in any case.
func csvClaim(name, typ string, values []string) (string, error) {
	if len(values) == 0 {
		return "", nil
	}
	list := []byte("[")
	for i, v := range values {
		if i > 0 {
			list = append(list, ',')
		}
		switch typ {
		case "", "string":
			typ = "string"
			list = strict.AppendString(list, v)
		case "int64":
			n, err := strconv.ParseInt(v, 10, 64)
			if err != nil {
				return "", fmt.Errorf("%q is not a 64-bit integer", v)
			}
			list = strconv.AppendInt(list, n, 10)
		case "boolean":
			b, err := strconv.ParseBool(strings.ToLower(v))
			if err != nil {
				return "", fmt.Errorf("%q is neither true nor false", v)
			}
			list = strconv.AppendBool(list, b)
		default:
			return "", fmt.Errorf("type %q: want string, int64 or boolean", typ)
		}
	}
	return fmt.Sprintf(`{"name":%s,"type":%q,"values":%s]}`, strict.AppendString(nil, name), typ, list), nil
}
