package nt_test

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/winnt"
)

// Each constant of an enumeration prints as its documented name, which is that of the constant. Other numbers print as
// numbers.
func TestClassesPrintDocumentedNames(t *testing.T) {
	enumerations := map[string]reflect.Type{}
	for _, v := range []any{nt.EventType(0), nt.FileInfoClass(0), nt.FsInfoClass(0), nt.JobObjectInfoClass(0),
		nt.MutantInfoClass(0), nt.ObjectInfoClass(0), nt.ProcessInfoClass(0), nt.SemaphoreInfoClass(0),
		nt.ThreadInfoClass(0), nt.TimerInfoClass(0), nt.TimerType(0)} {
		enumerations[reflect.TypeOf(v).Name()] = reflect.TypeOf(v)
	}
	set, files := token.NewFileSet(), []*ast.File(nil)
	for _, name := range check.Must(filepath.Glob("*.go")) {
		if !strings.HasSuffix(name, "_test.go") {
			files = append(files, check.Must(parser.ParseFile(set, name, nil, 0)))
		}
	}
	// Imports are not resolved, and the constants do not need them.
	pkg, _ := (&types.Config{Error: func(error) {}}).Check("nt", set, files, nil)
	seen := map[string]bool{}
	for _, name := range pkg.Scope().Names() {
		c, ok := pkg.Scope().Lookup(name).(*types.Const)
		if !ok || !c.Exported() {
			continue
		}
		if typ, ok := c.Type().(*types.Named); ok && enumerations[typ.Obj().Name()] != nil {
			n := reflect.ValueOf(constant.Val(c.Val())).Convert(enumerations[typ.Obj().Name()])
			check.Equal(t, fmt.Sprint(n), name, "%v %d", n.Type(), c.Val())
			seen[typ.Obj().Name()] = true
		}
	}
	check.Equal(t, len(seen), len(enumerations), "enumerations with constants")
	for want, class := range map[string]fmt.Stringer{"OBJECT_INFORMATION_CLASS(5)": nt.ObjectInfoClass(5),
		"FILE_INFORMATION_CLASS(200)": nt.FileInfoClass(200), "MUTANT_INFORMATION_CLASS(10)": nt.MutantInfoClass(10),
		"SEMAPHORE_INFORMATION_CLASS(10)": nt.SemaphoreInfoClass(10),
		"TIMER_INFORMATION_CLASS(10)":     nt.TimerInfoClass(10), "FS_INFORMATION_CLASS(10)": nt.FsInfoClass(10),
		"OWNER|GROUP|DACL|SACL|LABEL|ATTRIBUTE|SCOPE|PROCESS_TRUST_LABEL|ACCESS_FILTER": nt.SecurityInformation(0x1FF),
		"TIMER_TYPE(10)": nt.TimerType(10), "SAME_ACCESS": nt.DuplicateOptions(winnt.DUPLICATE_SAME_ACCESS),
		"BACKUP|UNPROTECTED_SACL|PROTECTED_DACL": nt.SecurityInformation(0x90010000),
		"UNPROTECTED_DACL|PROTECTED_SACL":        nt.SecurityInformation(0x60000000)} {
		check.Equal(t, class.String(), want, "String")
	}
}
