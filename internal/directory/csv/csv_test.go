package csv_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/refmon/refmon/internal/directory/collect"
	"github.com/refmon/refmon/internal/directory/csv"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/sources"
	"github.com/refmon/refmon/sid"
)

// Get-ADUser | Export-Csv of PowerShell 5, as it comes and with MemberOf joined.
const (
	getADUser = "#TYPE Microsoft.ActiveDirectory.Management.ADUser\r\n" +
		`"DistinguishedName","Enabled","GivenName","MemberOf","Name","ObjectClass","ObjectGUID","PrimaryGroupID",` +
		`"SamAccountName","SID","SIDHistory","Surname","UserPrincipalName"` + "\r\n" +
		`"CN=Smith\, Alice,CN=Users,DC=corp,DC=test","True","Alice","cn=staff,dc=corp,dc=test|CN=A\; B|C,DC=corp;a|b",` +
		`"Smith, Alice","user","9a0f1860-f616-488f-a1fc-38b25a30f379","513","alice","S-1-5-21-1-2-3-1107",` +
		`"S-1-5-21-9-9-9-77;S-1-5-21-9-9-9-76","Smith","alice@corp.test"` + "\r\n" +
		`"CN=Bob,CN=Users,DC=corp,DC=test","False","Bob",` +
		`"Microsoft.ActiveDirectory.Management.ADPropertyValueCollection","Bob","user",` +
		`"9a0f1860-f616-488f-a1fc-38b25a30f378","513","bob","S-1-5-21-1-2-3-1108","System.String[]","",` +
		`"bob@corp.test"` + "\r\n"
	getADGroup = `"DistinguishedName","GroupCategory","GroupScope","Name","ObjectClass","SamAccountName","SID",` +
		`"MemberOf"` + "\n" + `"CN=Staff,DC=corp,DC=test","Security","Global","Staff","Group","Staff",` +
		`"S-1-5-21-1-2-3-2000",""` + "\n" + `"CN=Letters,DC=corp,DC=test",` +
		`"Distribution","Global","Letters","group","Letters","S-1-5-21-1-2-3-2009",` +
		`"CN=Staff,DC=corp,DC=test"` + "\n"
	getADGroupMember = `"distinguishedName","name","objectClass","objectGUID","SamAccountName","SID"` + "\n" +
		`"CN=Carol,CN=Users,DC=corp,DC=test","Carol","user","9a0f","carol","S-1-5-21-1-2-3-1109"` + "\n" +
		`"CN=Staff,DC=corp,DC=test","Staff","group","9a10","Staff","S-1-5-21-1-2-3-2000"` + "\n"
)

// TestPowerShellCmdletColumnsAreRead reads the columns of the cmdlets, former SIDs (B-16), members by file and by
// column, and distribution groups, which no token has (B-15).
func TestPowerShellCmdletColumnsAreRead(t *testing.T) {
	d, unresolved := sources.Read(t, [2]string{"csv", getADUser}, [2]string{"auto", getADGroup},
		[2]string{"members:Engineering", getADGroupMember}, [2]string{"csv", getADGroupOf("Letters", "carol", 1109)},
		[2]string{"csv", "SamAccountName \t SID\tGroup\tGroupSID\tuidNumber\tgidNumber\tObjectClass\tGroupScope\t" +
			"PrimaryGroupID\tPrimaryGroup\ndave\tS-1-5-21-1-2-3-1110\tEngineering\tS-1-5-21-1-2-3-2000\t77\t88\t" +
			"user\tGlobal\t513\tS-1-5-21-1-2-3-2000\n"},
		[2]string{"csv", "SamAccountName,SID,GroupScope,GroupName,,\nlocal,S-1-5-21-1-2-3-2010,DomainLocal,,,\n" +
			"Engineering,S-1-5-21-1-2-3-2001,Global,local,,\n"}, // a spreadsheet may end its lines with empty columns
		[2]string{"csv", "SamAccountName,objectSid,ObjectClass,MemberOf,GroupCategory,PrimaryGroup,Enabled\n" +
			"Engineering,S-1-5-21-1-2-3-2001,group,;;;;;;;,Distribution,,\n" +
			"Engineering,S-1-5-21-1-2-3-2001,group,,Security,,\n" +
			"Letters,S-1-5-21-1-2-3-2009,group,,,,\ncarol,S-1-5-21-1-2-3-1109,user,,,S-1-5-21-1-2-3-2077,False\n" +
			"carol,S-1-5-21-1-2-3-1109,user,,,,True\ndave,S-1-5-21-1-2-3-1110,user,,,,\n"})
	sources.HasGroups(t, d, "alice", "S-1-5-21-1-2-3-2000 S-1-5-21-1-2-3-2001 S-1-5-21-1-2-3-513 S-1-5-21-9-9-9-77 "+
		"S-1-5-21-9-9-9-76 S-1-5-21-1-2-3-2010")
	sources.HasGroups(t, d, "carol", "S-1-5-21-1-2-3-2001 S-1-5-21-1-2-3-2077")
	sources.HasGroups(t, d, "dave", "S-1-5-21-1-2-3-2001 S-1-22-1-77 S-1-22-2-88")
	dave := d.Principals[d.Find("dave")].Token
	check.That(t, !dave.Member(sid.MustParse("S-1-5-21-1-2-3-2000"), false), "dave is in the group of the second column")
	carol := d.Principals[d.Find("carol")].Token
	for _, s := range []string{"S-1-5-21-1-2-3-2009", "S-1-5-21-1-2-3-2000"} { // through Letters
		check.That(t, !carol.Member(sid.MustParse(s), false), "carol is a member of %s", s)
	}
	check.That(t, d.Disabled == 1 && len(d.Principals) == 3 && d.Domain.String() == "S-1-5-21-1-2-3",
		`%d disabled, %d principals, domain %v, want 1, 3, "S-1-5-21-1-2-3"`, d.Disabled, len(d.Principals), d.Domain)
	want := []string{
		"column memberof holds the name of a type instead of values: export it as " +
			"@{n='memberof';e={$_.memberof -join ';'}}",
		"column sidhistory holds the name of a type instead of values: export it as " +
			"@{n='sidhistory';e={$_.sidhistory -join ';'}}",
		"alice is a member of CN=A\\; B|C,DC=corp, which is not in the input",
		"alice is a member of a, which is not in the input", "alice is a member of b, which is not in the input",
		"Letters is a distribution group, which no token has",
	}
	check.That(t, slices.Equal(unresolved, want), "unresolved: %q, want %q", unresolved, want)
	err := csv.Read(new(collect.Collector), "SamAccountName,SID,sid \na,S-1-5-21-1-2-3-1107,S-1-5-18\n", "")
	check.That(t, err != nil && strings.Contains(err.Error(), "occurs twice"), "a column twice: %v", err)
	err = csv.Read(new(collect.Collector), "#TYPE A\nSamAccountName,SID\na,x\n", "")
	check.That(t, err != nil && strings.HasPrefix(err.Error(), "line 3: column SID: "), "a malformed SID: %v", err)
	check.Equal(t, csv.Delimiter("a,b;c"), ',', "separator of as many commas as semicolons")
}

// getADGroupOf is a row of Get-ADGroupMember with the group in a column, in UTF-16 with semicolons.
func getADGroupOf(group, name string, rid int) string {
	text := fmt.Sprintf("\ufeffGroup;name;objectClass;SamAccountName;SID\r\n%s;%s;user;%s;S-1-5-21-1-2-3-%d\r\n", group,
		name, name, rid)
	var b []byte
	for _, u := range utf16.Encode([]rune(text)) {
		b = append(b, byte(u), byte(u>>8))
	}
	return string(b)
}
