// Speech to text with .NET alone: dotnet run Session.cs me.wav [SERVER].
// (.NET 10 runs a single file; with an older one put it into a project. Mono runs it as well.)
// me.wav is mono, 16 bit, 16 kHz. It is sent at the speed of speech, as a microphone would.
// The server's messages are printed as they come; System.Text.Json reads them.

using System;
using System.IO;
using System.Net.WebSockets;
using System.Text;
using System.Text.RegularExpressions;
using System.Threading;
using System.Threading.Tasks;

public static class Session
{
    private const string Start =
        "{\"command\": \"START\", \"config\": {\"audio_format\": \"pcm16k16bit\"," +
        " \"property\": \"english_16k_common\", \"interim_results\": \"yes\"}}";

    private static readonly Regex Last = new Regex("\"resp_type\": ?\"(END|ERROR|FATAL_ERROR)\"");

    /// <summary>The bytes of a WAV file, header and all: the server skips the header.</summary>
    private static byte[] ReadWav(string path)
    {
        byte[] bytes = File.ReadAllBytes(path);
        if (bytes.Length < 44 || Encoding.ASCII.GetString(bytes, 0, 4) != "RIFF"
            || BitConverter.ToInt16(bytes, 22) != 1 || BitConverter.ToInt32(bytes, 24) != 16000
            || BitConverter.ToInt16(bytes, 34) != 16)
        {
            throw new InvalidDataException(path + " is no WAV file that is mono, 16 bit, 16 kHz");
        }
        return bytes;
    }

    private static Task SendText(ClientWebSocket socket, string text)
    {
        var bytes = new ArraySegment<byte>(Encoding.UTF8.GetBytes(text));
        return socket.SendAsync(bytes, WebSocketMessageType.Text, true, CancellationToken.None);
    }

    private static async Task Speak(ClientWebSocket socket, byte[] bytes)
    {
        for (int start = 0; start < bytes.Length; start += 3200)
        {
            int length = Math.Min(3200, bytes.Length - start); // 0.1 s
            var chunk = new ArraySegment<byte>(bytes, start, length);
            await socket.SendAsync(chunk, WebSocketMessageType.Binary, true, CancellationToken.None);
            await Task.Delay(100);
        }
        await SendText(socket, "{\"command\": \"END\"}");
    }

    private static async Task<string> Receive(ClientWebSocket socket)
    {
        var message = new MemoryStream();
        var buffer = new ArraySegment<byte>(new byte[8192]);
        WebSocketReceiveResult part;
        do
        {
            part = await socket.ReceiveAsync(buffer, CancellationToken.None);
            message.Write(buffer.Array, 0, part.Count);
        } while (!part.EndOfMessage);
        return Encoding.UTF8.GetString(message.ToArray());
    }

    private static async Task Recognise(byte[] bytes, string server)
    {
        using (var socket = new ClientWebSocket())
        {
            var address = new Uri(server + "/v1/any/rasr/continue-stream");
            await socket.ConnectAsync(address, CancellationToken.None);
            await SendText(socket, Start);
            Task speaking = Speak(socket, bytes);
            string message;
            do
            {
                message = await Receive(socket);
                Console.WriteLine(message);
            } while (socket.State == WebSocketState.Open && !Last.IsMatch(message));
            await speaking;
        }
    }

    public static int Main(string[] arguments)
    {
        if (arguments.Length == 0)
        {
            Console.Error.WriteLine("which recording? dotnet run Session.cs me.wav [ws://127.0.0.1:8765]");
            return 1;
        }
        try
        {
            string server = arguments.Length > 1 ? arguments[1] : "ws://127.0.0.1:8765";
            Recognise(ReadWav(arguments[0]), server).GetAwaiter().GetResult();
            return 0;
        }
        catch (Exception error) when (error is IOException || error is InvalidDataException
            || error is WebSocketException)
        {
            Console.Error.WriteLine("no recognition: " + error.Message);
            return 1;
        }
    }
}
