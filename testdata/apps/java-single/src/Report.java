import java.io.FileReader;
import java.util.Properties;

/** Prints a sum in another currency. */
public class Report {
    public static void main(String[] args) throws Exception {
        Properties rates = new Properties();
        try (FileReader in = new FileReader("rates.properties")) {
            rates.load(in);
        }
        System.out.println("total " + 100 * Integer.parseInt(rates.getProperty("CHF")));
    }
}
