from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('demandes', '0007_choix_de_l_instruction'),
    ]

    operations = [
        migrations.AlterField(
            model_name='instantane',
            name='cause',
            field=models.CharField(choices=[('depot', 'dépôt'), ('complement', 'complément'), ('rectification', 'rectification'), ('reouverture', 'réouverture')], max_length=15),
        ),
    ]
