// Package effective computes access in bulk: the rights of many principals on many objects. Every result equals that
// of [access.SeAccessCheck] for the same token and descriptor.
//
// [Compile] turns tokens into [Principals] once: a matrix of bits with a row for
// each SID and a column for each distinct token. An [Evaluator] then decides a
// descriptor for 64 tokens at a time. It divides the requested rights into
// classes of bits that occur together in the entries. For each class it reads the
// entries once, and the first entry that matches a token decides the class for
// it. Only pairs with a rare feature use the scalar check: restricted tokens,
// AppContainers, conditional and compound entries, trust labels, access filters,
// central policies, and branching lists of object types.
//
//	p := effective.Compile(tokens, effective.Config{})
//	e, err := effective.NewEvaluator(p, effective.Question{
//		Type: winnt.FileObject, Rights: []winnt.AccessMask{winnt.FILE_GENERIC_READ}})
//	if err != nil { return err }
//	for _, d := range descriptors {
//		who := e.Allowed(d)[0] // a Set over the tokens
//		fmt.Println(who.Count())
//	}
//
// A [View] stores the results for named objects, and reports what changes when a
// descriptor or a principal changes.
//
// Ids such as A-141 name rules: docs/rules/90-bulk.md and 50-access-check.md list
// them with their sources.
//
// Guards: Principals are immutable and may be shared. An Evaluator and a View
// belong to one goroutine. Create one Evaluator for each goroutine: it is small.
package effective
