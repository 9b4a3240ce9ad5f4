// Asks Mono's System.Security.AccessControl the questions of refmon-kit (docs/kit.md). RawSecurityDescriptor reads and
// writes texts and bytes; there is no access check.
using System;
using System.Collections.Generic;
using System.Security.AccessControl;
using System.Text.RegularExpressions;

static class Adapter
{
    static string Field(string line, string name)
    {
        Match m = Regex.Match(line, "\"" + name + "\":\"((?:[^\"\\\\]|\\\\.)*)\"");
        return m.Success ? Unescape(m.Groups[1].Value) : "";
    }

    static string Unescape(string s)
    {
        return Regex.Replace(s, @"\\(u([0-9a-fA-F]{4})|.)", delegate(Match m) {
            if (m.Groups[2].Success) return ((char)Convert.ToInt32(m.Groups[2].Value, 16)).ToString();
            int i = "nrtbf".IndexOf(m.Groups[1].Value, StringComparison.Ordinal);
            return i < 0 ? m.Groups[1].Value : "\n\r\t\b\f"[i].ToString();
        });
    }

    static string Escape(string s)
    {
        return Regex.Replace(s, "[^ -!#-\\[\\]-~]", delegate(Match m) { return "\\u" + ((int)m.Value[0]).ToString("x4"); });
    }

    static byte[] Bytes(string hex)
    {
        byte[] b = new byte[hex.Length / 2];
        for (int i = 0; i < b.Length; i++) b[i] = Convert.ToByte(hex.Substring(2 * i, 2), 16);
        return b;
    }

    static string Hex(RawSecurityDescriptor d)
    {
        byte[] b = new byte[d.BinaryLength];
        d.GetBinaryForm(b, 0);
        return BitConverter.ToString(b).Replace("-", "").ToLowerInvariant();
    }

    static string Ask(string op, string line)
    {
        switch (op) {
        case "parse_sddl":
            return "\"out\":{\"hex\":\"" + Hex(new RawSecurityDescriptor(Field(line, "sddl"))) + "\"}";
        case "format_sddl":
            return "\"out\":{\"sddl\":\"" + Escape(new RawSecurityDescriptor(Bytes(Field(line, "hex")), 0)
                .GetSddlForm(AccessControlSections.All)) + "\"}";
        case "read_descriptor":
            return "\"out\":{\"hex\":\"" + Hex(new RawSecurityDescriptor(Bytes(Field(line, "hex")), 0)) + "\"}";
        }
        return "\"unsupported\":\"no operation " + Escape(op) + "\"";
    }

    static void Main()
    {
        for (string line; (line = Console.In.ReadLine()) != null; ) {
            string answer;
            try {
                answer = Ask(Field(line, "op"), line);
            } catch (NotImplementedException e) {
                answer = "\"unsupported\":\"" + Escape(e.Message) + "\"";
            } catch (Exception e) when (Regex.IsMatch(Field(line, "sddl"), "\\((XA|XD|XU|ZA|RA|SP);", RegexOptions.IgnoreCase)) {
                answer = "\"unsupported\":\"no conditional entries, resource attributes and policies in texts: "
                    + Escape(e.GetType().Name) + "\"";
            } catch (Exception e) {
                answer = "\"error\":\"invalid: " + Escape(e.GetType().Name + " " + e.Message) + "\"";
            }
            Console.Out.Write("{\"id\":\"" + Escape(Field(line, "id")) + "\"," + answer + "}\n");
            Console.Out.Flush();
        }
    }
}
