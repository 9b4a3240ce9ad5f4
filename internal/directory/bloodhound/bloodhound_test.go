package bloodhound_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/directory/bloodhound"
	"github.com/refmon/refmon/internal/directory/collect"
	"github.com/refmon/refmon/internal/directory/source"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/sources"
)

// Files of SharpHound: version 6, with the byte order mark that it writes first; a group of version 4.
const (
	bloodhoundUsers = "\ufeff" + `{"data":[{"ObjectIdentifier":"S-1-5-21-1-2-3-1","IsDeleted":true,` +
		`"Properties":{"name":"OLD@CORP.TEST"}},{"ObjectIdentifier":"S-1-5-21-1-2-3-1107","Properties":` +
		`{"name":"ALICE@CORP.TEST","samaccountname":"alice","enabled":true,"domain":"CORP.TEST",` +
		`"distinguishedname":"CN=ALICE,CN=USERS,DC=CORP,DC=TEST","domainsid":"S-1-5-21-1-2-3"},` +
		`"PrimaryGroupSID":"S-1-5-21-1-2-3-513","AllowedToDelegate":[],"SPNTargets":[],"IsDeleted":false,` +
		`"HasSIDHistory":[{"ObjectIdentifier":"S-1-5-21-9-9-9-76"},{"ObjectIdentifier":"S-1-5-21-9-9-9-77",` +
		`"ObjectType":"Base"}],"IsACLProtected":false,` +
		`"Aces":[{"PrincipalSID":"S-1-5-21-1-2-3-512","PrincipalType":"Group","RightName":"GenericAll"}]},` +
		`{"ObjectIdentifier":"9A0F","Properties":{"name":"CLOUD@CORP.TEST"}},` +
		`{"ObjectIdentifier":"S-1-5-21-1-2-3-1108","Properties":{"name":"BOB@CORP.TEST","enabled":false}}],` +
		`"meta":{"methods":0,"type":"users","count":3,"version":6}}`
	bloodhoundGroups = `{"data":[{"Members":[{"ObjectIdentifier":"S-1-5-21-1-2-3-1107","ObjectType":"User"},` +
		`{"ObjectIdentifier":"CORP.TEST-S-1-5-32-545","ObjectType":"Group"},` +
		`{"ObjectIdentifier":"S-1-5-21-7-7-7-9","ObjectType":"Base"}],"Aces":[],` +
		`"ObjectIdentifier":"S-1-5-21-1-2-3-2000","Properties":{"name":"STAFF@CORP.TEST"},` +
		`"HasSIDHistory":[{"ObjectIdentifier":"S-1-5-21-9-9-9-78"}]},` +
		`{"ObjectIdentifier":"CORP.TEST-S-1-5-32-545","Members":[{"ObjectIdentifier":"CORP-S-1-5-11",` +
		`"ObjectType":"Group"}],"Properties":{"name":"USERS@CORP.TEST"}}],` +
		`"meta":{"methods":521215,"type":"groups","count":2,"version":4}}`
	bloodhoundComputers = `{"data":[{"ObjectIdentifier":"S-1-5-21-1-2-3-1111",` +
		`"Properties":{"name":"PC1.CORP.TEST"}}],"meta":{"type":"computers","count":1,"version":5}}`
	bloodhoundDomains = `{"data":[{"ObjectIdentifier":"S-1-5-21-1-2-3","Properties":{"name":"CORP.TEST"}}],` +
		`"meta":{"type":"domains","count":1,"version":5}}`
)

// TestFilesAndZipGiveTheSameDirectory checks that files and a zip of them give the same directory, with members of any
// kind. Authenticated Users as a member of a group means all users (B-17).
func TestFilesAndZipGiveTheSameDirectory(t *testing.T) {
	files := [][2]string{{"bloodhound", bloodhoundUsers}, {"auto", bloodhoundGroups}, {"auto", bloodhoundDomains},
		{"auto", bloodhoundComputers}}
	team := [2]string{"csv", "SamAccountName,SID,ObjectClass,Members\n" + // it names alice by her DN
		"team,S-1-5-21-1-2-3-2005,group,\"CN=Alice,CN=Users,DC=corp,DC=test\"\n"}
	var packed bytes.Buffer
	z := zip.NewWriter(&packed)
	for i, f := range files {
		w := check.Must(z.Create(fmt.Sprintf("20261121_%d.%s", i, []string{"json", "JSON"}[i%2])))
		check.Must(w.Write([]byte(f[1])))
	}
	for name, text := range map[string]string{"gpos.json": `{"data":[{"ObjectIdentifier":5}],"meta":{"type":"gpos"}}`,
		"readme.txt": "no json"} {
		check.Must(check.Must(z.Create(name)).Write([]byte(text)))
	}
	check.NoError(t, z.Close())
	for _, files := range [][][2]string{files, {{"auto", packed.String()}}} {
		d, unresolved := sources.Read(t, append(files, team)...)
		sources.HasGroups(t, d, "alice", "S-1-5-21-1-2-3-513 S-1-5-21-1-2-3-2000 S-1-5-32-545 S-1-5-21-9-9-9-76 "+
			"S-1-5-21-9-9-9-77 S-1-5-21-9-9-9-78 S-1-5-21-1-2-3-2005")
		check.That(t, d.Disabled == 1 && len(d.Principals) == 2 && d.Domain.String() == "S-1-5-21-1-2-3",
			`%d disabled, %d principals, domain %v, want 1, 2, "S-1-5-21-1-2-3"`, d.Disabled, len(d.Principals), d.Domain)
		want := []string{"CLOUD@CORP.TEST 9A0F has no SID", "S-1-5-21-7-7-7-9, a member of STAFF, is not in the input"}
		check.That(t, slices.Equal(unresolved, want), "unresolved: %q, want %q", unresolved, want)
	}
}

// The form of other versions is not known.
func TestOtherVersionsAreRefused(t *testing.T) {
	for version, good := range map[int]bool{3: false, 4: true, 6: true, 7: false} {
		text := fmt.Sprintf(`{"data":[],"meta":{"type":"users","version":%d}}`, version)
		err := bloodhound.Read(&collect.Collector{}, []byte(text))
		check.That(t, (err == nil) == good, "version %d: %v", version, err)
	}
	const wrong = "{\"meta\":{\"type\":\"users\",\"version\":5},\n\"data\":[\n{\"ObjectIdentifier\":5}]}"
	err := bloodhound.Read(&collect.Collector{}, []byte(wrong))
	check.That(t, err != nil && strings.HasPrefix(err.Error(), "line 3: "), "a number for a SID: %v, want line 3", err)
}

// TestTooLargeZipIsRefused checks that a zip that unpacks to more than a limit, and one of many files, are refused.
func TestTooLargeZipIsRefused(t *testing.T) {
	var packed bytes.Buffer
	z := zip.NewWriter(&packed)
	for i := range 1025 {
		check.Must(z.Create(fmt.Sprintf("%d.json", i)))
	}
	check.NoError(t, z.Close())
	var l collect.Collector
	err := source.Read(&l, "bloodhound", packed.Bytes())
	check.That(t, err != nil && strings.Contains(err.Error(), "more than 1024"), "1025 files: %v", err)
	for size, want := range map[uint64]string{1 << 40: "unpack to more than", 1: "zip"} {
		packed.Reset()
		z = zip.NewWriter(&packed)
		w := check.Must(z.CreateRaw(&zip.FileHeader{Name: "a.json", UncompressedSize64: size, CompressedSize64: 3}))
		check.Must(w.Write([]byte("{} ")))
		check.NoError(t, z.Close())
		if err := source.Read(&l, "bloodhound", packed.Bytes()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("a file of %d bytes by its header: %v", size, err)
		}
	}
}

// TestZipLimitCountsAllFiles checks that the limit is that of all files together: where one has been unpacked,
// another that would fill the limit alone does not fit.
func TestZipLimitCountsAllFiles(t *testing.T) {
	for size, want := range map[uint64]string{1<<28 - 1: "unpack to more than",
		1<<28 - uint64(len(bloodhoundDomains)): "EOF"} {
		var packed bytes.Buffer
		z := zip.NewWriter(&packed)
		check.Must(check.Must(z.Create("a.json")).Write([]byte(bloodhoundDomains)))
		w := check.Must(z.CreateRaw(&zip.FileHeader{Name: "b.json", UncompressedSize64: size, CompressedSize64: 3}))
		check.Must(w.Write([]byte("{} ")))
		check.NoError(t, z.Close())
		var l collect.Collector
		if err := source.Read(&l, "bloodhound", packed.Bytes()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("a second file of %d bytes by its header: %v, want %q", size, err, want)
		}
	}
}
