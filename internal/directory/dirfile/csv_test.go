package dirfile_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/test/check"
)

// TestCSVEqualsYAML checks that a company as YAML and as CSV gives the same people.
func TestCSVEqualsYAML(t *testing.T) {
	text := check.Must(os.ReadFile("../../../examples/bulk/company.yaml"))
	fromYAML := check.Must(dirfile.Read(text))
	fromCSV := check.Must(dirfile.Read([]byte("\ufeffKind,Name,SID,MemberOf,Disabled,claims.Clearance:int64\r\n" +
		"group,Engineering,S-1-5-21-1-2-3-2001,Staff,,\r\n" +
		"domain,,S-1-5-21-1-2-3,,,\r\n" +
		",alice,S-1-5-21-1-2-3-1107,Engineering,false,2\r\n" +
		"user,bob,S-1-5-21-1-2-3-1108,Engineering ; Contractors,,1\r\n" +
		",carol,S-1-5-21-1-2-3-1109,\"Finance\",,\r\n" +
		",root,S-1-5-21-1-2-3-500,Domain Admins,,\r\n" +
		",former,S-1-5-21-1-2-3-1110,Finance,TRUE,\r\n" +
		"group,Finance,S-1-5-21-1-2-3-2002,Staff,,\r\n" +
		"group,Staff,S-1-5-21-1-2-3-2000,,,\r\n" +
		"group,Contractors,S-1-5-21-1-2-3-2003,,,\r\n" +
		"group,Domain Admins,S-1-5-21-1-2-3-512,BA,,\r\n")))
	if got, want := listed(fromCSV), listed(fromYAML); got != want {
		t.Errorf("from CSV\n%s, want %s\nfrom YAML\n%s", got, want, want)
	}
	check.That(t, fromCSV.Disabled == 1 && fromCSV.Domain == fromYAML.Domain,
		"%d disabled, domain %v, want 1, %v", fromCSV.Disabled, fromCSV.Domain, fromYAML.Domain)
}

func listed(d *directory.Directory) string {
	var b strings.Builder
	for _, p := range d.Principals {
		var groups []string
		for _, g := range p.Token.Groups() {
			groups = append(groups, g.SID.String())
		}
		fmt.Fprintln(&b, p.Name, p.Token.User().SID, groups, p.Token.UserClaims(), string(check.Must(p.Token.MarshalJSON())))
	}
	return b.String()
}

// TestCellOfSemicolonsHasNoClaim checks that a cell of semicolons alone means no claim, as an empty cell does. A
// spreadsheet may end its lines with empty columns.
func TestCellOfSemicolonsHasNoClaim(t *testing.T) {
	for _, column := range []string{"claims.x", "claims.x:string", "claims.x:int64", "claims.x:boolean"} {
		d, err := dirfile.Read([]byte("name,sid," + column + ",,\na,S-1-5-21-1-2-3-1107, ; ;,,\n"))
		check.That(t, err == nil && len(d.Principals) == 1 && d.Principals[0].Token.UserClaims().Len() == 0,
			"column %s with semicolons: %+v, error %v, want one user without claims", column, d, err)
	}
}

func TestMalformedCSVIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"name,sid\na":                                       "wrong number of fields",
		"name,sid,,\na,BA,red,":                             "line 2: a value in column 3, which has no heading",
		"name,sid,colour\na,BA,red":                         "line 2: column colour",
		"name,sid,kind\na,BA,robot":                         `kind "robot"`,
		"name,sid,disabled\na,BA,perhaps":                   "column disabled",
		"name,sid,claims.x:int64\na,BA,1.5":                 `"1.5" is not a 64-bit integer`,
		"name,sid,claims.x:float\na,BA,1":                   `type "float"`,
		"name,sid,claims.x:boolean\na,BA,2":                 `"2" is neither`,
		"name,sid,kind\n,BA,domain\n,BU,domain":             "line 3: a domain",
		"name,sid,kind\ncorp,,domain\na,BA,user":            "line 2: a domain needs a SID",
		"name,sid,kind,disabled\ng,BA,group,1":              "only users have claims",
		"name,sid,memberOf\na,S-1-5-21-1-2-3-4,nobodyknows": `"nobodyknows" is neither`,
		"name,sid\na,nowhere":                               `users[0] "a"`,
		"name,sid,memberOf\n\"a,BA,":                        "line 2",
	} {
		_, err := dirfile.Read([]byte(text))
		check.That(t, err != nil && strings.Contains(err.Error(), want), "%q: %v, want %q in it", text, err, want)
	}
}
