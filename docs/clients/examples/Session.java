// Speech to text with the JDK alone, 17 or newer: java Session.java me.wav [SERVER].
// me.wav is mono, 16 bit, 16 kHz. It is sent at the speed of speech, as a microphone would.
// The server's messages are printed as they come; take a JSON library to read them.

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.regex.Pattern;

public class Session implements WebSocket.Listener {
    private static final String START = """
        {"command": "START", "config": {"audio_format": "pcm16k16bit",
         "property": "english_16k_common", "interim_results": "yes"}}""";
    private static final Pattern LAST = Pattern.compile("\"resp_type\": ?\"(END|ERROR|FATAL_ERROR)\"");

    private final StringBuilder message = new StringBuilder();
    private final CountDownLatch over = new CountDownLatch(1);

    @Override
    public CompletionStage<?> onText(WebSocket socket, CharSequence part, boolean isLastPart) {
        message.append(part);
        if (isLastPart) {
            System.out.println(message);
            if (LAST.matcher(message).find()) {
                over.countDown();
            }
            message.setLength(0);
        }
        socket.request(1);
        return null;
    }

    @Override
    public CompletionStage<?> onClose(WebSocket socket, int code, String reason) {
        over.countDown();
        return null;
    }

    @Override
    public void onError(WebSocket socket, Throwable error) {
        System.err.println("the connection broke: " + error.getMessage());
        over.countDown();
    }

    /** The bytes of a WAV file, header and all: the server skips the header. */
    private static byte[] readWav(String path) throws IOException {
        byte[] bytes = Files.readAllBytes(Path.of(path));
        ByteBuffer header = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        if (bytes.length < 44 || !new String(bytes, 0, 4, StandardCharsets.US_ASCII).equals("RIFF")
                || header.getShort(22) != 1 || header.getInt(24) != 16000 || header.getShort(34) != 16) {
            throw new IOException(path + " is no WAV file that is mono, 16 bit, 16 kHz");
        }
        return bytes;
    }

    private static void recognise(byte[] bytes, String server) throws InterruptedException {
        Session session = new Session();
        WebSocket socket = HttpClient.newHttpClient().newWebSocketBuilder()
            .buildAsync(URI.create(server + "/v1/any/rasr/continue-stream"), session).join();
        socket.sendText(START, true).join();
        for (int start = 0; start < bytes.length; start += 3200) {
            int length = Math.min(3200, bytes.length - start); // 0.1 s
            socket.sendBinary(ByteBuffer.wrap(bytes, start, length), true).join();
            Thread.sleep(100);
        }
        socket.sendText("{\"command\": \"END\"}", true).join();
        session.over.await();
        socket.abort();
    }

    public static void main(String[] arguments) throws InterruptedException {
        if (arguments.length == 0) {
            System.err.println("which recording? java Session.java me.wav [ws://127.0.0.1:8765]");
            System.exit(1);
        }
        String server = arguments.length > 1 ? arguments[1] : "ws://127.0.0.1:8765";
        try {
            recognise(readWav(arguments[0]), server);
        } catch (NoSuchFileException error) {
            System.err.println(arguments[0] + " is not there");
            System.exit(1);
        } catch (IOException error) {
            System.err.println(error.getMessage());
            System.exit(1);
        } catch (CompletionException error) {
            System.err.println("no recognition by " + server + ": " + error.getCause());
            System.exit(1);
        }
        System.exit(0);
    }
}
