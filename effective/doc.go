// Package effective answers access questions in bulk: which of many principals
// have which rights on which of many objects. Every answer equals that of
// [access.SeAccessCheck] for the same token and descriptor.
//
// Tokens are compiled once into [Principals]: a matrix of bits with a row for
// each SID and a column for each distinct token. An [Evaluator] then decides a
// descriptor for 64 tokens at a time: the rights asked for are divided into
// classes of bits that occur together in the entries, and for each class the
// entries are read once, the first that matches a token deciding the class for
// it. Pairs with a rare feature (restricted tokens, AppContainers, conditional
// and compound entries, trust labels, access filters, central policies, lists of
// object types that branch) go through the scalar check, exactly those.
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
// A [View] keeps the answers for named objects and tells what changes when a
// descriptor or a principal does.
//
// Ids such as A-141 name rules: docs/rules/90-bulk.md and 50-access-check.md list
// them with their sources.
//
// Guards: Principals are immutable and may be shared; an Evaluator and a View
// belong to one goroutine. Make one Evaluator a goroutine, it is small.
package effective
